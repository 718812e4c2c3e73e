"""RDS: parameter groups of instances and clusters, by what they demand of connections.

A group's parameters are read once, however many databases have it. Of the hundreds that a group has
only those that are named here are asked for: others may hold secrets.
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field

# PostgreSQL and SQL Server have the first, MySQL and MariaDB the second.
TLS_PARAMETERS = ("rds.force_ssl", "require_secure_transport")

_ON = frozenset({"1", "on", "true"})


def tls_required(group: Item) -> bool | None:
    """Whether connections must use TLS; None where not read, or where AWS names no value."""
    values = [
        str(parameter["value"]).lower()
        for parameter in group.get("parameters") or []
        if parameter["name"] in TLS_PARAMETERS and parameter["value"] is not None
    ]
    return bool(_ON.intersection(values)) if values else None


def _parameters(operation: str, group: str, iam_action: str) -> Detail:
    return Detail(
        "parameters",
        operation,
        {
            group: group,
            "Filters": [{"Name": "parameter-name", "Values": list(TLS_PARAMETERS)}],
        },
        iam_action,
        items="Parameters[].{name: ParameterName, value: ParameterValue}",
    )


_FIELDS = (
    field("family", T.TEXT, "Engines it is for, such as postgres16.", "DBParameterGroupFamily"),
    field("description", T.TEXT, "Description.", "Description"),
    field(
        "tls_required",
        T.BOOLEAN,
        "Connections must use TLS; NULL where the engine has no such parameter or value.",
        tls_required,
    ),
)

RDS_PARAMETER_GROUP = ResourceType(
    name="rds_parameter_group",
    table="rds_parameter_groups",
    group="rds",
    service="rds",
    meaning="Parameter groups of database instances.",
    operation="describe_db_parameter_groups",
    items="DBParameterGroups[]",
    iam_actions=("rds:DescribeDBParameterGroups",),
    resource_id="DBParameterGroupName",
    arn="DBParameterGroupArn",
    name_source="DBParameterGroupName",
    tags=tags_of("DBParameterGroupArn"),
    gone=frozenset({"DBParameterGroupNotFound"}),
    free=True,
    fields=_FIELDS,
    details=(
        _parameters("describe_db_parameters", "DBParameterGroupName", "rds:DescribeDBParameters"),
        cell_tags("rds:pg"),
    ),
)

RDS_CLUSTER_PARAMETER_GROUP = ResourceType(
    name="rds_cluster_parameter_group",
    table="rds_cluster_parameter_groups",
    group="rds",
    service="rds",
    meaning="Parameter groups of database clusters.",
    operation="describe_db_cluster_parameter_groups",
    items="DBClusterParameterGroups[]",
    iam_actions=("rds:DescribeDBClusterParameterGroups",),
    resource_id="DBClusterParameterGroupName",
    arn="DBClusterParameterGroupArn",
    name_source="DBClusterParameterGroupName",
    tags=tags_of("DBClusterParameterGroupArn"),
    gone=frozenset({"DBParameterGroupNotFound"}),
    free=True,
    fields=_FIELDS,
    details=(
        _parameters(
            "describe_db_cluster_parameters",
            "DBClusterParameterGroupName",
            "rds:DescribeDBClusterParameters",
        ),
        cell_tags("rds:cluster-pg"),
    ),
)

RESOURCE_TYPES = (RDS_PARAMETER_GROUP, RDS_CLUSTER_PARAMETER_GROUP)
