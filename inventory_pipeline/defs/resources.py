"""Resources: the settings with the lake they name, and the clock."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from inventory_pipeline.accounts import Clients, account_named
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.reports import Destination
from inventory_pipeline.settings import Settings, load_settings
from inventory_pipeline.settings.values import QUEUE_REGION


class Inventory(dg.ConfigurableResource["Inventory"]):
    """The settings file, and what it names. Secrets stay in it: only its path is configuration."""

    settings_path: str | None = None

    @cached_property
    def settings(self) -> Settings:
        return load_settings(Path(self.settings_path) if self.settings_path else None)

    @cached_property
    def lake(self) -> Lake:
        return Lake.open(self.settings.lake.location, catalog=self.settings.lake.catalog)

    @cached_property
    def engine(self) -> DuckDBEngine:
        return DuckDBEngine(self.lake, self.settings.lake.memory_limit)

    @cached_property
    def clients(self) -> Clients:
        return Clients.of(self.settings)

    def s3(self, destination: Destination) -> Any:
        """The client that may read a destination of S3 Inventory reports."""
        place = (destination.bucket, destination.prefix)
        named = {(d.bucket, d.prefix): d for d in self.settings.s3_inventory.destinations}
        account, region = named[place].account, named[place].region
        reader = account_named(self.settings, account, self.clients.partition) if account else None
        return self.clients.client(reader, "s3", region)

    @property
    def sqs(self) -> Any:
        """The client that may read the settings' queue, in the region that its URL names."""
        wanted = self.settings.s3_inventory
        named = QUEUE_REGION.search(wanted.queue_url or "")
        name = wanted.queue_account
        reader = account_named(self.settings, name, self.clients.partition) if name else None
        return self.clients.client(reader, "sqs", named[1] if named else self.clients.home_region)

    @property
    def own_s3(self) -> Any:
        """The client that writes manifests and reports to S3, with the caller's own identity."""
        return self.clients.client(None, "s3", self.clients.home_region)

    def sns(self, region: str) -> Any:
        """The client that sends alerts, with the caller's own identity."""
        return self.clients.client(None, "sns", region)


class Clock(dg.ConfigurableResource["Clock"]):
    """The time. `instant` (ISO 8601) pins it, for a simulated past."""

    instant: str | None = None

    def now(self) -> datetime:
        return datetime.fromisoformat(self.instant) if self.instant else datetime.now(UTC)
