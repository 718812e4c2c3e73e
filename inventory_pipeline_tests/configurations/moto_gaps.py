"""What moto lacks of S3 Inventory configurations: it keeps no versions, returns fields and
encryption otherwise than it got them, gives no pages, and a deletion would delete the bucket."""

from __future__ import annotations

from typing import Any

PAGE = 3
"""Configurations on a page; AWS has 100."""


def _read(parsed: dict[str, Any]) -> dict[str, Any]:
    """The request's XML as botocore gives an answer."""
    destination = dict(parsed["Destination"]["S3BucketDestination"])
    if encryption := destination.pop("Encryption", None):
        names = {"SSE-S3": "SSES3", "SSE-KMS": "SSEKMS"}
        destination["Encryption"] = {names[k]: v or {} for k, v in encryption.items()}
    fields = (parsed.get("OptionalFields") or {}).get("Field") or []
    return {
        "Id": parsed["Id"],
        "IsEnabled": parsed["IsEnabled"] == "true",
        "IncludedObjectVersions": parsed["IncludedObjectVersions"],
        "Schedule": dict(parsed["Schedule"]),
        "Destination": {"S3BucketDestination": destination},
        **({"Filter": dict(parsed["Filter"])} if parsed.get("Filter") else {}),
        **({"OptionalFields": [fields] if isinstance(fields, str) else fields} if fields else {}),
    }


def fill_inventory_gaps(monkeypatch: Any) -> None:
    from moto.core.responses import ActionResult, EmptyResult
    from moto.s3.exceptions import MissingBucket
    from moto.s3.models import S3Backend
    from moto.s3.responses import S3Response

    def put(self: Any, bucket_name: str, inventory_configuration: dict[str, Any]) -> None:
        whole = _read(inventory_configuration)
        if whole["Filter"].get("Prefix") is None if "Filter" in whole else False:
            raise ValueError("AWS takes no empty prefix")
        self.get_bucket(bucket_name).inventory_configs[whole["Id"]] = whole

    def list_all(self: Any) -> Any:
        held = self.backend.get_bucket(self.bucket_name).inventory_configs
        after = self._get_param("continuation-token") or ""
        ids = sorted(name for name in held if name > after)
        more = len(ids) > PAGE
        result = {
            "InventoryConfigurationList": [held[name] for name in ids[:PAGE]],
            "IsTruncated": more,
            **({"NextContinuationToken": ids[PAGE - 1]} if more else {}),
        }
        self.data["Action"] = "ListBucketInventoryConfigurations"
        return self.serialized(ActionResult(result))

    delete_otherwise = S3Response._bucket_response_delete

    def delete(self: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        if "inventory" not in querystring:
            return delete_otherwise(self, bucket_name, querystring)
        bucket = self.backend.get_bucket(bucket_name)
        if bucket is None:
            raise MissingBucket(bucket=bucket_name)
        del bucket.inventory_configs[querystring["id"][0]]
        self.data["Action"] = "DeleteBucketInventoryConfiguration"
        return self.serialized(EmptyResult())

    monkeypatch.setattr(S3Backend, "put_bucket_inventory_configuration", put)
    monkeypatch.setattr(S3Response, "list_bucket_inventory_configurations", list_all)
    monkeypatch.setattr(S3Response, "_bucket_response_delete", delete)
