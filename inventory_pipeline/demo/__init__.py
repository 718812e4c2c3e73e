"""The simulated organisation: its description, an in-process AWS that shows it, and the truth.

Everything follows from (seed, scale, now). The description (`estate`, `planted`, `things`, `crowd`,
`ground`, `objects`) is pure; `simulation` serves it through moto; `deliveries` writes S3 Inventory
reports of it; `truth` says what a correct pipeline must find. Only this package imports moto.
"""

from inventory_pipeline.demo.configuration import environment_for, settings_for
from inventory_pipeline.demo.estate import DAYS, SCALES, Day, Estate, Scale
from inventory_pipeline.demo.fact import Fact
from inventory_pipeline.demo.simulation import Simulation
from inventory_pipeline.demo.truth import facts

__all__ = [
    "DAYS",
    "SCALES",
    "Day",
    "Estate",
    "Fact",
    "Scale",
    "Simulation",
    "environment_for",
    "facts",
    "settings_for",
]
