"""S3 Inventory configurations as code: what is wanted, what there is, and the way between them.

`desired` expands the settings, `snapshot_buckets` and `look` tell what buckets have, `plan`
compares and `apply` makes the changes; `documents` renders the policies they need, and `lint` says
what is wrong with configurations as they are. Reads the lake and asks S3.
"""

from inventory_pipeline.configurations.access import configurators, readers
from inventory_pipeline.configurations.desired import Wanted, desired, without_buckets
from inventory_pipeline.configurations.lint import Finding, lint
from inventory_pipeline.configurations.model import Bucket, Configuration
from inventory_pipeline.configurations.observed import (
    Observed,
    concerned,
    look,
    snapshot_buckets,
)
from inventory_pipeline.configurations.plan import Change, Outcome, apply, changing, plan
from inventory_pipeline.configurations.policies import documents

__all__ = [
    "Bucket",
    "Change",
    "Configuration",
    "Finding",
    "Observed",
    "Outcome",
    "Wanted",
    "apply",
    "changing",
    "concerned",
    "configurators",
    "desired",
    "documents",
    "lint",
    "look",
    "plan",
    "readers",
    "snapshot_buckets",
    "without_buckets",
]
