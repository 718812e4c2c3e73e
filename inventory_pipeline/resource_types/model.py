"""What a resource type is: the shape of the entries that this package's service modules declare.

Belongs here: the dataclasses only. Not here: any AWS call (`collect`), table (`tables`) or price
(`prices`). A service module adds `ResourceType` entries; nothing else needs to change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inventory_pipeline.columns import Column, ColumnType

Item = Mapping[str, Any]
"""One element of an AWS answer, as botocore gives it."""

Source = str | Callable[[Item], Any]
"""Where a value comes from in an item: a JMESPath expression, or a function of the item."""


@dataclass(frozen=True)
class Field:
    """A typed column of a resource type, and where AWS's answer has it."""

    column: Column
    source: Source


def field(name: str, type: ColumnType, meaning: str, source: Source) -> Field:
    return Field(Column(name, type, meaning), source)


@dataclass(frozen=True)
class Detail:
    """A further call for each item, whose answer is added to the item under `name`.

    `absent` lists AWS error codes that mean "not configured": the detail is then `{}`. Any other
    failure leaves the detail out, so that its columns are NULL (unknown), and the ledger says so
    under the collector `<resource_type>.<name>`.
    """

    name: str
    operation: str
    arguments: Mapping[str, Source]
    iam_action: str
    absent: frozenset[str] = frozenset()
    service: str | None = None
    per_account: bool = False
    unless: Source | None = None


@dataclass(frozen=True)
class Relationship:
    """Edges from a resource: `targets` is JMESPath or a function giving the target ids."""

    relation: str
    target_type: str
    targets: Source


@dataclass(frozen=True)
class Metric:
    """A CloudWatch statistic that marts read as the column `column` of `<table>_measured`.

    `absent_is_zero`: AWS emits no datapoint when nothing happened, so silence means 0. Otherwise
    silence means unknown. `period_seconds` is what one datapoint covers; `window_days` how far
    back; several datapoints fold into one value by `fold`.
    """

    column: str
    meaning: str
    namespace: str
    name: str
    statistic: Literal["Average", "Maximum", "Sum", "Minimum"]
    fold: Literal["average", "maximum", "sum", "latest"]
    dimensions: Mapping[str, Source]
    window_days: int = 14
    period_seconds: int = 86400
    absent_is_zero: bool = False
    label: str | None = None

    @property
    def metric(self) -> str:
        """Its name in the `metrics` table: the CloudWatch name and, where needed, a label."""
        return f"{self.name}:{self.label}" if self.label else self.name


@dataclass(frozen=True)
class CostComponent:
    """One line of a resource's monthly list price, as SQL over `<table>_measured` aliased `r`.

    `key` and `quantity` are expressions; a NULL quantity is unknown and `unknown` says why
    (an expression giving text). A price that the book does not have is unknown as well. Rows for
    which `applies` is not true have no such component. Quantities are per month of 730 hours.
    `tiered_over`: whose total volume tiers count, the single resource's or the whole account's in
    a region.
    """

    name: str
    service: str
    key: str
    unit: str
    quantity: str
    applies: str = "TRUE"
    unknown: str = "'quantity not observed'"
    tiered_over: Literal["resource", "account"] = "resource"


@dataclass(frozen=True)
class ResourceType:
    """One kind of AWS resource: how to see it, what to keep of it and what it costs.

    `operation` is paginated where botocore can; `items` (JMESPath) finds the resources in a page.
    `scope`: a regional type is asked in every enabled region, a global one once per account, in
    `us-east-1`. `region` finds a global type's own region where it has one. `group` is the
    settings' short word (`ec2`, `rds`, ...). `keep` drops items that are not this type's.
    `arn` is a source, or a template in `{partition} {region} {account_id} {resource_id}` that
    begins with `arn:`. `tags` gives a list of `{Key, Value}` or a mapping; None is "not read".
    """

    name: str
    table: str
    group: str
    service: str
    meaning: str
    operation: str
    items: str
    iam_actions: tuple[str, ...]
    resource_id: Source
    fields: tuple[Field, ...]
    arn: Source
    name_source: Source
    state: Source | None = None
    created_at: Source | None = None
    tags: Source | None = None
    region: Source | None = None
    scope: Literal["regional", "global"] = "regional"
    arguments: Mapping[str, Any] | None = None
    keep: Source | None = None
    details: tuple[Detail, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    metrics: tuple[Metric, ...] = ()
    costs: tuple[CostComponent, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """This type's own columns, without the common ones."""
        return tuple(f.column for f in self.fields)
