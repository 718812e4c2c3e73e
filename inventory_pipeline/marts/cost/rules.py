"""Waste rules as data: what is idle or stale, how we know, and which costs acting would save.

To add a rule, add an entry to RULES; findings, savings and documentation follow. Thresholds that
users set come as `$idle_resource_days` and `$stale_resource_days`. Ages are against `observed_at`,
when AWS was asked. Not here: prices (`components`), and how findings are put together (`findings`).
"""

from dataclasses import dataclass

from inventory_pipeline.marts.sql import days_between, number
from inventory_pipeline.resource_types import resource_types


@dataclass(frozen=True)
class Rule:
    """One waste rule, as SQL over the type's measured relation aliased `r`.

    `applies` picks the resources it speaks of. `wasted` is three-valued: NULL is unknown. `reason`
    gives the evidence in words, whatever the verdict. `idle_days` is a lower bound that can be
    proved. Acting saves the resource's own cost components `saves` and, with
    `saves_attached_volumes`, every component of the volumes attached to it; neither saves nothing.
    """

    id: str
    title: str
    resource_type: str
    applies: str
    wasted: str
    reason: str
    idle_days: str = "NULL"
    saves: tuple[str, ...] = ()
    saves_attached_volumes: bool = False


def _window(resource_type: str, column: str) -> int:
    """Days that a metric of a type looks back."""
    metrics = resource_types()[resource_type].metrics
    return next(metric.window_days for metric in metrics if metric.column == column)


def _older_than(start: str, days: int | str) -> str:
    return f"{start} <= r.observed_at - {days} * INTERVAL '1' DAY"


def _unless_young(start: str, days: int) -> str:
    """TRUE where it has existed for the whole window, else NULL: too young to be judged."""
    return f"CASE WHEN {_older_than(start, days)} THEN TRUE END"


def _age(start: str) -> str:
    return f"CAST({days_between(start, 'r.observed_at')} AS VARCHAR)"


def _age_note(start: str, days: int, what: str) -> str:
    """What to add to a reason about something whose age decides."""
    return (
        f"CASE WHEN {start} IS NULL THEN '; {what} at an unknown time'"
        f" WHEN {_older_than(start, days)} THEN ''"
        f" ELSE '; {what} ' || {_age(start)} || ' days ago, too young to judge' END"
    )


# Thresholds of AWS Compute Optimizer.
IDLE_CPU_PERCENT = 5
IDLE_NETWORK_BYTES_A_DAY = 5_000_000

_EC2_WINDOW = _window("ec2_instance", "cpu_maximum")
_NETWORK = "(r.network_in_bytes + r.network_out_bytes)"
_EC2_IDLE = (
    f"r.cpu_maximum < {IDLE_CPU_PERCENT}"
    f" AND {_NETWORK} < {IDLE_NETWORK_BYTES_A_DAY * _EC2_WINDOW}"
    f" AND {_unless_young('r.launched_at', _EC2_WINDOW)}"
)

EC2_IDLE = Rule(
    id="ec2.idle",
    title="Running instance with next to no CPU or network use",
    resource_type="ec2_instance",
    applies="r.state = 'running'",
    wasted=_EC2_IDLE,
    reason=(
        f"COALESCE('peak CPU ' || {number('r.cpu_maximum')} || ' %', 'CPU not known') || ', '"
        f" || COALESCE('network ' || {number(f'{_NETWORK} / {_EC2_WINDOW * 1e6}', 3)}"
        " || ' MB a day', 'network not known')"
        f" || ' in {_EC2_WINDOW} days' || {_age_note('r.launched_at', _EC2_WINDOW, 'started')}"
    ),
    idle_days=f"CASE WHEN {_EC2_IDLE} THEN {_EC2_WINDOW} END",
    saves=("compute", "address"),
    saves_attached_volumes=True,
)

EC2_STOPPED = Rule(
    id="ec2.stopped",
    title="Instance stopped for long",
    resource_type="ec2_instance",
    applies="r.state = 'stopped'",
    wasted=_older_than("r.stopped_at", "$idle_resource_days"),
    reason=(
        f"COALESCE('stopped for ' || {_age('r.stopped_at')} || ' days',"
        " 'stopped at an unknown time')"
    ),
    idle_days=days_between("r.stopped_at", "r.observed_at"),
    # Its hours are free already.
    saves=("address",),
    saves_attached_volumes=True,
)

_UNATTACHED_SINCE = (
    "(SELECT u.since FROM unattached_since AS u WHERE u.account_id = r.account_id"
    " AND u.region = r.region AND u.resource_id = r.resource_id)"
)

EBS_UNATTACHED = Rule(
    id="ebs.unattached",
    title="Volume attached to nothing",
    resource_type="ebs_volume",
    # Volumes of idle and stopped instances are attached: their instance's finding has them.
    applies="r.state = 'available'",
    wasted=_older_than("r.created_at", 1),
    reason=f"COALESCE('unattached, made ' || {_age('r.created_at')} || ' days ago',"
    " 'unattached, made at an unknown time')",
    idle_days=days_between(_UNATTACHED_SINCE, "r.observed_at"),
    saves=("storage", "iops", "throughput"),
)

_RDS_WINDOW = _window("rds_instance", "connections_maximum")
_RDS_IDLE = f"r.connections_maximum = 0 AND {_unless_young('r.created_at', _RDS_WINDOW)}"

RDS_IDLE = Rule(
    id="rds.idle",
    title="Database without connections",
    resource_type="rds_instance",
    # Replicas and cluster members stand by for others: silence is their job.
    applies="r.state <> 'stopped' AND r.cluster_id IS NULL AND r.replica_source_id IS NULL",
    wasted=_RDS_IDLE,
    reason=(
        f"COALESCE('at most ' || {number('r.connections_maximum', 0)} || ' connections',"
        " 'connections not known')"
        f" || ' in {_RDS_WINDOW} days' || {_age_note('r.created_at', _RDS_WINDOW, 'made')}"
    ),
    idle_days=f"CASE WHEN {_RDS_IDLE} THEN {_RDS_WINDOW} END",
    # Stopping it keeps the storage; only deleting it would save that too.
    saves=("compute",),
)

_LAMBDA_WINDOW = _window("lambda_function", "invocations")
_LAMBDA_UNUSED = f"r.invocations = 0 AND {_unless_young('r.last_modified_at', _LAMBDA_WINDOW)}"

LAMBDA_UNUSED = Rule(
    id="lambda.unused",
    title="Function never invoked",
    resource_type="lambda_function",
    applies="TRUE",
    wasted=_LAMBDA_UNUSED,
    reason=(
        f"COALESCE({number('r.invocations', 0)} || ' invocations', 'invocations not known')"
        f" || ' in {_LAMBDA_WINDOW} days'"
        f" || {_age_note('r.last_modified_at', _LAMBDA_WINDOW, 'changed')}"
        " || CASE WHEN r.invocations = 0 THEN '; an idle function costs nothing' ELSE '' END"
    ),
    idle_days=f"CASE WHEN {_LAMBDA_UNUSED} THEN {_LAMBDA_WINDOW} END",
)

S3_EMPTY = Rule(
    id="s3.empty",
    title="Bucket long without objects",
    resource_type="s3_bucket",
    applies="TRUE",
    wasted=f"r.object_count = 0 AND {_older_than('r.created_at', '$stale_resource_days')}",
    reason=(
        f"COALESCE({number('r.object_count', 0)} || ' objects', 'number of objects not known')"
        f" || COALESCE(', made ' || {_age('r.created_at')} || ' days ago',"
        " ', made at an unknown time')"
        " || CASE WHEN r.object_count = 0 THEN '; an empty bucket costs nothing' ELSE '' END"
    ),
)

RULES = (EC2_IDLE, EC2_STOPPED, EBS_UNATTACHED, RDS_IDLE, LAMBDA_UNUSED, S3_EMPTY)


def rules() -> dict[str, Rule]:
    """Every waste rule by id."""
    return {rule.id: rule for rule in RULES}
