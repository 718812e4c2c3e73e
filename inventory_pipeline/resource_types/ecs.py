"""ECS: clusters, their settings and load. Not here: services and tasks."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Batch,
    Detail,
    Item,
    ResourceType,
    field,
)


def cluster_name(item: Item) -> str | None:
    """The name within a cluster's ARN: unique in a region, and all that the listing tells."""
    return item.get("clusterArn", "").rpartition("/")[2] or None


def container_insights(item: Item) -> str | None:
    """Clusters made before the setting existed do not name it: it is off."""
    if "cluster" not in item:
        return None
    settings = {each["name"]: each["value"] for each in item["cluster"].get("settings") or []}
    return str(settings.get("containerInsights", "disabled"))


_EXEC = "cluster.configuration.executeCommandConfiguration"

ECS_CLUSTER = ResourceType(
    name="ecs_cluster",
    table="ecs_clusters",
    group="ecs",
    service="ecs",
    meaning="ECS clusters.",
    operation="list_clusters",
    items="clusterArns[].{clusterArn: @}",
    iam_actions=("ecs:ListClusters",),
    resource_id=cluster_name,
    arn="clusterArn",
    name_source=cluster_name,
    state="cluster.status",
    tags="cluster && (cluster.tags || `[]`)[].{Key: key, Value: value}",
    fields=(
        field("running_tasks", T.BIGINT, "Tasks that run.", "cluster.runningTasksCount"),
        field("pending_tasks", T.BIGINT, "Tasks about to run.", "cluster.pendingTasksCount"),
        field("active_services", T.BIGINT, "Active services.", "cluster.activeServicesCount"),
        field(
            "container_instances",
            T.BIGINT,
            "EC2 or external instances registered; Fargate has none.",
            "cluster.registeredContainerInstancesCount",
        ),
        field(
            "capacity_providers",
            T.TEXT_LIST,
            "Capacity providers: FARGATE, FARGATE_SPOT or names of Auto Scaling ones.",
            "cluster && (cluster.capacityProviders || `[]`)",
        ),
        field(
            "container_insights",
            T.TEXT,
            "Container Insights: enabled, enhanced or disabled.",
            container_insights,
        ),
        field(
            "exec_logging",
            T.TEXT,
            "Where `execute-command` sessions are logged: NONE, DEFAULT (the task's log driver) "
            "or OVERRIDE.",
            f"cluster && ({_EXEC}.logging || 'DEFAULT')",
        ),
        field(
            "exec_kms_key",
            T.TEXT,
            "Key of `execute-command` sessions; empty where none is set.",
            f"cluster && ({_EXEC}.kmsKeyId || '')",
        ),
        field(
            "storage_kms_key",
            T.TEXT,
            "Key of Fargate's scratch disks; empty where AWS's own is used.",
            "cluster && "
            "(cluster.configuration.managedStorageConfiguration.fargateEphemeralStorageKmsKeyId"
            " || '')",
        ),
    ),
    volatile=frozenset({"running_tasks", "pending_tasks", "container_instances"}),
    details=(
        Detail(
            "cluster",
            "describe_clusters",
            {"include": ["CONFIGURATIONS", "SETTINGS", "TAGS"]},
            "ecs:DescribeClusters",
            batch=Batch("clusters", "clusterArn", "clusters", "clusterArn", 100),
        ),
    ),
    # Tasks are billed by Fargate or as instances; a cluster is only their name.
    free=True,
)

RESOURCE_TYPES = (ECS_CLUSTER,)
