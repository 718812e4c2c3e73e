"""What to move to a colder class: from a policy and a delivery to a manifest.

`plan` picks, judges and prices every object and commits the candidates and the funnel;
`write_manifests` writes what is worth moving as S3 Batch Operations wants it. Only `store` touches
AWS, through a client that it is given.
"""

from inventory_pipeline.archive.planning import Plan, plan
from inventory_pipeline.archive.store import ManifestError, StoredManifest, write_manifests

__all__ = ["ManifestError", "Plan", "StoredManifest", "plan", "write_manifests"]
