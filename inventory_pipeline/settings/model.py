"""One typed settings model: a YAML or JSON file and the environment give `Settings`.

Belongs here: every key that a user may set, its default, limits and meaning. Not here: reading
a file or the environment (`sources`), keys of access to AWS (`access`), checks of one value
(`values`), words of errors (`errors`), nor names that other parts own (resource types, rules,
controls): who uses those calls `require_known`.
"""

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self, cast, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from inventory_pipeline.settings.access import CredentialSettings, OrganizationSettings
from inventory_pipeline.settings.configurations import (
    InventoryConfiguration,
    ReportDays,
    require_sound,
)
from inventory_pipeline.settings.destinations import Destination
from inventory_pipeline.settings.errors import (
    SettingsError,
    format_path,
    nearest,
    problem_line,
    shown,
)
from inventory_pipeline.settings.objects import (
    ComplianceSettings,
    DuplicateSettings,
    PersonalDataSettings,
    Tenants,
)
from inventory_pipeline.settings.schedules import ScheduleSettings
from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.sources import override, read_settings_file
from inventory_pipeline.settings.values import (
    ARCHIVE_TARGETS,
    EMPTY_IS_NONE,
    AccountId,
    Bucket,
    Bytes,
    ConfigurationPrefix,
    Count,
    Days,
    DynamoTable,
    Flag,
    Glob,
    Location,
    Memory,
    Money,
    Name,
    Percent,
    QueueUrl,
    RegionPattern,
    RoleName,
    SecretRef,
    StorageClass,
    TopicArn,
    Url,
    is_account_id,
)


class AccountSettings(Section):
    account_id: AccountId = Field(examples=["123456789012"])
    """12 digits, in quotes."""
    role_name: Annotated[RoleName | None, EMPTY_IS_NONE] = "AWSInventoryRole"
    """Role to assume in the account; null looks with the caller's own credentials."""
    external_id: Annotated[SecretRef | None, EMPTY_IS_NONE] = None
    """External id that the role asks for: text, env:NAME or secretsmanager:ARN."""
    enabled: Flag = True
    """false leaves the account out."""
    tags: dict[str, str] = Field(
        default={}, examples=[{"Department": "Engineering", "CostCenter": "1001"}]
    )
    """Tags that the account's resources inherit; a resource's own tags win."""


class CollectionSettings(Section):
    parallel_regions: int = Field(default=10, strict=True, ge=1, le=64)
    """Cells (an account's region and resource type) looked at side by side."""
    timeout_seconds: int = Field(default=300, strict=True, ge=1, le=43_200)
    """Longest time for one cell; the ledger then says timeout."""
    retry_attempts: int = Field(default=3, strict=True, ge=0, le=20)
    """How often a failed or throttled AWS call is tried again."""
    batch_size: int = Field(default=25, strict=True, ge=1, le=500)
    """Items asked for in one AWS call, at most, where a call takes several."""
    commit_seconds: int = Field(default=300, strict=True, ge=1, le=43_200)
    """How often what is seen is committed while a collection runs: a killed one loses no more."""
    actions_off: list[Name] = []
    """IAM actions never used nor granted, such as ec2:DescribeInstanceAttribute (user data, where
    credentials are searched); what they tell stays unknown, and types they list are left out."""
    coverage_threshold: Percent = 90.0
    """Percent of cells seen completely below which the coverage check is an error."""


class CostThresholds(Section):
    expensive_resource_monthly: Money = Decimal(100)
    """Dollars a month from which one resource is called expensive."""
    idle_resource_days: Days = 30
    """Days without use after which a resource is idle."""
    stale_resource_days: Days = 90
    """Days without use or change after which a resource is stale."""
    total_monthly_alert: Money = Decimal(10_000)
    """Dollars a month in total above which the check within_budget warns."""


class NotificationSettings(Section):
    sns_topic_arn: Annotated[TopicArn | None, EMPTY_IS_NONE] = None
    """SNS topic that hears of failed runs."""
    email_on_failure: Flag = True
    """Tell the topic, and so its e-mail subscribers, of a run that failed."""
    slack_webhook_url: Annotated[SecretRef | None, EMPTY_IS_NONE] = None
    """Slack webhook that hears of failed runs: text, env:NAME or secretsmanager:ARN."""


class LakeSettings(Section):
    location: Location = "./lake"
    """Folder, or s3://bucket/prefix, that holds all tables."""
    catalog: Literal["sqlite", "glue"] = "sqlite"
    """Iceberg catalog: sqlite, or glue for a lake on S3."""
    memory_limit: Memory = "1GB"
    """Memory of the SQL engine, such as 512MB; beyond it spills to disk."""
    warehouse: str | None = Field(default=None, min_length=1)
    """Published DuckDB file; null is warehouse.duckdb beside the lake's folder."""

    @model_validator(mode="after")
    def _glue_needs_s3(self) -> Self:
        if self.catalog == "glue" and not self.location.startswith("s3://"):
            raise ValueError("catalog 'glue' needs a location on S3 (s3://bucket/prefix)")
        return self

    @property
    def warehouse_path(self) -> Path:
        """The published DuckDB file: beside a local lake, in the working folder for one on S3."""
        if self.warehouse is not None:
            return Path(self.warehouse)
        folder = Path() if self.location.startswith("s3://") else Path(self.location).parent
        return folder / "warehouse.duckdb"


class S3InventorySettings(Section):
    destinations: list[Destination] = []
    """Where S3 delivers inventory reports."""
    queue_url: Annotated[QueueUrl | None, EMPTY_IS_NONE] = None
    """SQS queue that hears of new objects there, by S3's events or EventBridge's; what it tells of
    is looked at first. What it does not tell of is found by listing, as without a queue."""
    queue_account: Annotated[Name | None, EMPTY_IS_NONE] = None
    """Account, by its name above or its id, whose role reads the queue; null is the caller."""
    prefix_depth: int = Field(default=1, strict=True, ge=0, le=20)
    """Parts of a key, split at '/', by which usage is rolled up."""
    prefix_limit: Count = 1000
    """Prefixes kept for one bucket's delivery; the rest is rolled up as the remainder."""
    max_deliveries_per_run: Count = 1000
    """Deliveries that one run ingests, at most."""
    max_bytes_per_run: Count = 10 * 1024**3
    """Bytes of report files that one run ingests, at most (a larger delivery goes alone)."""
    workers: Count = 2
    """Report files decoded at a time; each takes a processor, and its part of the memory."""
    compliance: ComplianceSettings = ComplianceSettings()
    """What every object is held to."""
    duplicates: DuplicateSettings = DuplicateSettings()
    """Which objects are compared."""
    personal_data: PersonalDataSettings = PersonalDataSettings()
    """Which keys are personal data."""
    tenants: Tenants = []
    """Whose objects are whose; no object is two tenants'."""
    reconciliation_tolerance_percent: int = Field(default=1, strict=True, ge=0, le=100)
    """Percent by which reports and CloudWatch may differ for the hours between them."""
    configurations: list[InventoryConfiguration] = []
    """Inventory configurations that buckets are to have: `inventory configs plan` shows what that
    takes, and only `inventory configs apply --yes` does it."""
    configuration_prefix: ConfigurationPrefix = "inventory-pipeline-"
    """How ids of configurations begin that the tool made and may change; it touches no other."""
    configurator_role: Annotated[RoleName | None, EMPTY_IS_NONE] = "AWSInventoryConfigurator"
    """Role to assume in an account to change its buckets' inventory configurations; null changes
    them as the account is looked at."""
    report_days: ReportDays = 35
    """Days after which the lifecycle rule that is suggested for a destination deletes reports."""

    @model_validator(mode="after")
    def _configurations_are_sound(self) -> Self:
        require_sound(self.configurations, self.destinations)
        return self


class ArchivePolicy(Section):
    name: Name = Field(examples=["old-logs"])
    """Name of the policy, unique."""
    sources: list[Glob] = Field(min_length=1, examples=[["*-logs"]])
    """Patterns over names of buckets."""
    prefix: str = ""
    """Only keys that begin so."""
    min_age_days: Days = 90
    """Only objects last modified at least so many days before the report."""
    min_size_bytes: Bytes = 0
    """Only objects of at least this size."""
    max_size_bytes: Bytes | None = None
    """Only objects of at most this size; null sets no limit."""
    storage_classes: list[StorageClass] = Field(default=["STANDARD"], min_length=1)
    """Only objects in these storage classes."""
    target_class: StorageClass = Field(examples=["DEEP_ARCHIVE"])
    """Storage class to move to."""
    horizon_months: int = Field(default=12, strict=True, ge=1, le=600)
    """Months within which a move must pay for itself."""

    @field_validator("target_class")
    @classmethod
    def _target_is_cold(cls, target: StorageClass) -> StorageClass:
        if target not in ARCHIVE_TARGETS:
            raise ValueError(f"{target!r} is no target; use one of {', '.join(ARCHIVE_TARGETS)}")
        return target

    @model_validator(mode="after")
    def _selects_something(self) -> Self:
        order = get_args(StorageClass)
        for source in self.storage_classes:
            if order.index(source) >= order.index(self.target_class):
                raise ValueError(f"no object moves from {source} to {self.target_class}")
        if self.max_size_bytes is not None and self.max_size_bytes < self.min_size_bytes:
            raise ValueError(
                f"max_size_bytes {self.max_size_bytes} is below min_size_bytes "
                f"{self.min_size_bytes}"
            )
        return self


class ArchiveSettings(Section):
    policies: list[ArchivePolicy] = []
    """What to archive; nothing is moved without a submitted job."""
    manifests: Location = "./manifests"
    """Folder, or s3://bucket/prefix, where manifests for S3 Batch Operations are written."""

    @field_validator("policies")
    @classmethod
    def _names_are_unique(cls, policies: list[ArchivePolicy]) -> list[ArchivePolicy]:
        names = [policy.name for policy in policies]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is the name of several policies")
        return policies


class CostSettings(Section):
    rules_off: list[Name] = []
    """Ids of waste rules that are not evaluated."""


class SecuritySettings(Section):
    controls_off: list[Name] = []
    """Ids of security controls that are not evaluated."""


class OutputSettings(Section):
    report_bucket: Annotated[Bucket | None, EMPTY_IS_NONE] = None
    """Bucket that the JSON reports are copied to."""
    dynamodb_table_name: Annotated[DynamoTable | None, EMPTY_IS_NONE] = None
    """DynamoDB table for the newest snapshot's resources; nothing writes it yet."""


class Settings(Section):
    """All settings, with a default for each."""

    accounts: dict[Name, AccountSettings] = Field(default={}, examples=["engineering"])
    """Accounts to look at, each under a name of your choice; none means the caller's own."""
    organization: OrganizationSettings = OrganizationSettings()
    """Accounts found in AWS Organizations; those above win over what is found of them."""
    credentials: CredentialSettings = CredentialSettings()
    """Whose credentials the collector starts from."""
    resource_types: list[Name] = []
    """Groups (ec2, rds, s3, lambda) or types (ebs_volume); none means all."""
    regions: list[RegionPattern] = []
    """Regions to look at, or patterns such as eu-*; none means all enabled in each account."""
    excluded_regions: list[RegionPattern] = []
    """Regions to leave out, or patterns such as ap-*; they win over regions."""
    collection_settings: CollectionSettings = CollectionSettings()
    """How AWS is asked."""
    cost_thresholds: CostThresholds = CostThresholds()
    """When something costs too much or lies idle too long."""
    notifications: NotificationSettings = NotificationSettings()
    """Who hears of it."""
    schedules: ScheduleSettings = ScheduleSettings()
    """When it runs (UTC); cron fields are minute, hour, day of month, month, weekday."""
    lake: LakeSettings = LakeSettings()
    """Where tables live."""
    s3_inventory: S3InventorySettings = S3InventorySettings()
    """S3 Inventory reports to ingest."""
    archive: ArchiveSettings = ArchiveSettings()
    """Objects to move to colder storage."""
    cost: CostSettings = CostSettings()
    """What counts as waste."""
    security: SecuritySettings = SecuritySettings()
    """What counts as insecure."""
    outputs: OutputSettings = OutputSettings()
    """Where results go besides the lake."""
    aws_endpoint_url: Annotated[Url | None, EMPTY_IS_NONE] = None
    """Endpoint to use instead of AWS, such as a simulator's."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: object) -> object:
        """A section whose keys are all commented out reads as null."""
        if not isinstance(data, dict):
            return data
        sections = cast("dict[str, object]", data)
        return {name: section for name, section in sections.items() if section is not None}

    @field_validator("accounts")
    @classmethod
    def _ids_are_unique(cls, accounts: dict[str, AccountSettings]) -> dict[str, AccountSettings]:
        names: dict[str, str] = {}
        for name, account in accounts.items():
            first = names.setdefault(account.account_id, name)
            if first != name:
                raise ValueError(f"{first!r} and {name!r} have the same account_id")
        return accounts

    @model_validator(mode="after")
    def _readers_are_accounts(self) -> Self:
        wanted = self.s3_inventory
        named: list[tuple[tuple[str | int, ...], str | None]] = [
            (("s3_inventory", "destinations", index, "account"), destination.account)
            for index, destination in enumerate(wanted.destinations)
        ]
        enabled = {name: one.account_id for name, one in self.accounts.items() if one.enabled}
        off = {one.account_id for one in self.accounts.values() if not one.enabled}
        for path, name in [*named, (("s3_inventory", "queue_account"), wanted.queue_account)]:
            if name is None or name in {*enabled, *enabled.values()}:
                continue
            may_be_found = self.organization.discover and is_account_id(name) and name not in off
            if not may_be_found:
                raise ValueError(
                    f"{format_path(path)}: no enabled account {shown(name)}{nearest(name, enabled)}"
                )
        return self


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of a file and the environment, which wins over the file.

    The file is `path`, else what INVENTORY_SETTINGS or CONFIG_PATH names, else ./inventory.yaml
    where it exists, else none. Raises SettingsError with one line for each problem.
    """
    named = path or environ.get("INVENTORY_SETTINGS") or environ.get("CONFIG_PATH")
    file = Path(named).expanduser() if named else Path("inventory.yaml")
    data = read_settings_file(file) if named or file.exists() else {}
    overridden = override(data, environ)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    lines = [f"{overridden.get(p['loc'], file)}: {problem_line(p, Settings)}" for p in problems]
    raise SettingsError("\n".join(lines))


def require_known(setting: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raises SettingsError where `names`, the value of `setting`, has one that is not `known`."""
    choices = sorted(known)
    lines = [
        f"{setting}: unknown name {shown(name)}{nearest(name, choices)}"
        for name in names
        if name not in choices
    ]
    if lines:
        raise SettingsError("\n".join(lines))
