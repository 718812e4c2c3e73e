"""What a resource type is: the shape of the entries that this package's service modules declare.

Belongs here: the dataclasses only. Not here: any AWS call (`collect`), table (`tables`) or price
(`prices`). A service module adds `ResourceType` entries; nothing else needs to change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any, Literal

from inventory_pipeline.columns import Column, ColumnType

Item = Mapping[str, Any]
"""One element of an AWS answer, as botocore gives it."""

Source = str | Callable[[Item], Any]
"""Where a value comes from in an item: a JMESPath expression, or a function of the item."""

METRICS_ACTION = "cloudwatch:GetMetricData"
"""The IAM action that utilisation metrics take."""


@dataclass(frozen=True)
class Field:
    """A typed column of a resource type, and where AWS's answer has it."""

    column: Column
    source: Source


def field(name: str, type: ColumnType, meaning: str, source: Source) -> Field:
    return Field(Column(name, type, meaning), source)


@dataclass(frozen=True)
class Batch:
    """How a detail is asked for several items in one call.

    The argument `argument` takes the list of the items' `key`; `answers` (JMESPath) finds in the
    answer what is said of each, and `answer_key` in each whose it is. `size` is AWS's limit.
    """

    argument: str
    key: Source
    answers: str
    answer_key: Source
    size: int


@dataclass(frozen=True)
class Detail:
    """A further call for each item, whose answer is added to the item under `name`.

    `arguments` are sources within the item; a value that is no text and no function is given as it
    is. An operation that AWS pages needs `items` (JMESPath): the detail is then the list of them of
    all pages. With `batch` several items share a call; with `per_cell` the call is made once in a
    cell, its arguments are found in the place (`account_id`, `partition`, `region`), and all items
    get the answer. `unless` finds the items that need no call.

    `absent` lists AWS error codes that mean "not configured": the detail is then `{}` (`[]` with
    `items`). Any other failure leaves the detail out, so that its columns are NULL (unknown), and
    the ledger says so under the collector `<resource_type>.<name>`.
    """

    name: str
    operation: str
    arguments: Mapping[str, Any]
    iam_action: str
    absent: frozenset[str] = frozenset()
    service: str | None = None
    items: str | None = None
    batch: Batch | None = None
    per_cell: bool = False
    unless: Source | None = None


@dataclass(frozen=True)
class Within:
    """What must be listed first, because the type is listed for each of these alone.

    Each element is found by the listing's arguments under its own names, and its items have it as
    `parent`. `absent` are codes of the type's listing that mean "no longer there".
    """

    operation: str
    items: str
    iam_action: str
    arguments: Mapping[str, Any] = field_of(default_factory=dict[str, Any])
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Preparation:
    """A call that AWS must answer with `done` (JMESPath, true) before the type can be listed."""

    operation: str
    done: str
    iam_action: str


@dataclass(frozen=True)
class ChildTable:
    """A table of elements of resources, one row per element, for one type or for many.

    Besides `fields` it has the resource's `account_id`, `region`, `resource_type` and
    `resource_id`, and the element's `position`, from 0.
    """

    name: str
    meaning: str
    grain: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Children:
    """The elements that a resource has in a child table; `fields` of the table are their sources.

    `elements` gives a list, or None where it was not read: no row then, so the resource's own
    table needs a column that tells "none" from "not read", such as their number.
    """

    table: ChildTable
    elements: Source


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
    back; several datapoints fold into one value by `fold`, of which `quiet_hours` counts the hours
    of the week that were below 5 in every week of a window of whole weeks without a gap.
    """

    column: str
    meaning: str
    namespace: str
    name: str
    statistic: Literal["Average", "Maximum", "Sum", "Minimum", "p99.5"]
    fold: Literal["average", "maximum", "minimum", "sum", "latest", "quiet_hours"]
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

    `operation` is paginated where botocore can; `items` finds the resources in a page. Without an
    `operation` the place is the only item: `account_id`, `partition` and `region`, for settings
    that an account has once, or once in a region; all else of it comes from `details`.
    `arguments` are given as they are, but functions are called with the place (or, with `within`,
    the parent; there texts are JMESPath in the parent as well). `absent` lists AWS error codes
    that mean "there is none", `gone` those of details that mean "no longer there since listed".

    `scope`: a regional type is asked in every enabled region, a global one once per account, in
    the partition's first region; one that is asked elsewhere, or that some partitions have not,
    gives in `asked_in` its region by partition. `region` finds a global type's own region where it
    has one.
    `group` is the settings' short word (`ec2`, `rds`, ...). `keep` drops items that are not this
    type's. `arn` is a source, or a template in `{partition} {region} {account_id} {resource_id}`
    that begins with `arn:`. `tags` gives a list of `{Key, Value}` or a mapping; None is "not read".

    `volatile` names columns that change by mere use (a size, a count, a time of last use), which is
    no change of the resource.

    `costs` are what the price list bills for it; `free` says that AWS bills nothing for the
    resource as such. With neither, its cost is unknown.
    """

    name: str
    table: str
    group: str
    service: str
    meaning: str
    operation: str | None
    items: Source
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
    asked_in: Mapping[str, str] | None = None
    arguments: Mapping[str, Any] | None = None
    within: Within | None = None
    prepare: Preparation | None = None
    keep: Source | None = None
    absent: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    details: tuple[Detail, ...] = ()
    children: tuple[Children, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    metrics: tuple[Metric, ...] = ()
    costs: tuple[CostComponent, ...] = ()
    free: bool = False
    volatile: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[Column, ...]:
        """This type's own columns, without the common ones."""
        return tuple(f.column for f in self.fields)

    @property
    def actions(self) -> tuple[str, ...]:
        """Every IAM action that seeing this type needs, utilisation metrics included, sorted."""
        found = {*self.iam_actions, *(detail.iam_action for detail in self.details)}
        if self.within is not None:
            found.add(self.within.iam_action)
        if self.prepare is not None:
            found.add(self.prepare.iam_action)
        if self.metrics:
            found.add(METRICS_ACTION)
        return tuple(sorted(found))
