"""Whether a collection would work, found out without one, and what to do where it would not.

Belongs here: looking, and saying what to change. Nothing is changed, but for an empty commit to the
lake, and no message is taken from the queue. Not here: the Dagster instance (`defs.health`),
showing what was found (`cli.doctor`).
"""

from inventory_pipeline.diagnosis.accounts import AccountExaminer, organization_checks
from inventory_pipeline.diagnosis.caller import Caller, examine_caller
from inventory_pipeline.diagnosis.check import Check
from inventory_pipeline.diagnosis.settings import settings_checks
from inventory_pipeline.diagnosis.storage import destination_checks, lake_check, queue_checks

__all__ = [
    "AccountExaminer",
    "Caller",
    "Check",
    "destination_checks",
    "examine_caller",
    "lake_check",
    "organization_checks",
    "queue_checks",
    "settings_checks",
]
