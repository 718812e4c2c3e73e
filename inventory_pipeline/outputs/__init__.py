"""Who hears of it: alerts, and the JSON reports that a security or a cost review starts from.

Outputs read what marts give them; they never collect, price or judge.
"""

from inventory_pipeline.outputs.alerts import Alert, send
from inventory_pipeline.outputs.reports import copy_report, write_report

__all__ = ["Alert", "copy_report", "send", "write_report"]
