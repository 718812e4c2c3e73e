"""Who hears of it: today the JSON reports that a security or a cost review starts from.

Outputs read marts; they never collect, price or judge.
"""

from inventory_pipeline.outputs.reports import write_report

__all__ = ["write_report"]
