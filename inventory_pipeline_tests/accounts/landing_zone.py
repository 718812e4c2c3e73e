"""An organisation as AWS Control Tower lays it out: nested units, log archive, audit, workloads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3

from inventory_pipeline.settings import Settings

MANAGEMENT = "123456789012"
"""The account of the simulated AWS's caller."""


@dataclass
class LandingZone:
    """The organisation of the caller's account; `accounts` and `units` are ids by name."""

    endpoint: str
    accounts: dict[str, str] = field(default_factory=dict[str, str])
    units: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.client.create_organization(FeatureSet="ALL")
        self.units["Root"] = self.client.list_roots()["Roots"][0]["Id"]
        self.add_unit("Security")
        self.add_unit("Workloads")
        self.add_unit("Prod", "Workloads")
        self.add_unit("Sandbox", "Workloads")
        self.add("Log Archive", "Security")
        self.add("Audit", "Security", {"Dept": "Compliance"})
        self.add("payments", "Prod", {"Department": "Payments", "Cost Centre": "42"})
        self.add("playground", "Sandbox")

    @property
    def client(self) -> Any:
        return boto3.client("organizations", "us-east-1", endpoint_url=self.endpoint)

    def add_unit(self, name: str, parent: str = "Root") -> None:
        made = self.client.create_organizational_unit(ParentId=self.units[parent], Name=name)
        self.units[name] = made["OrganizationalUnit"]["Id"]

    def add(self, name: str, unit: str, tags: dict[str, str] | None = None) -> str:
        made = self.client.create_account(
            AccountName=name,
            Email="somebody@example.com",
            Tags=[{"Key": k, "Value": v} for k, v in (tags or {}).items()],
        )
        account_id = str(made["CreateAccountStatus"]["AccountId"])
        self.accounts[name] = account_id
        self.client.move_account(
            AccountId=account_id,
            SourceParentId=self.units["Root"],
            DestinationParentId=self.units[unit],
        )
        return account_id

    def settings(self, accounts: dict[str, Any] | None = None, **organization: Any) -> Settings:
        return Settings.model_validate(
            {
                "organization": {"discover": True, **organization},
                "accounts": accounts or {},
                "aws_endpoint_url": self.endpoint,
                "regions": ["us-east-1"],
                "resource_types": ["ebs_volume"],
                "collection_settings": {"retry_attempts": 0, "parallel_regions": 4},
            }
        )
