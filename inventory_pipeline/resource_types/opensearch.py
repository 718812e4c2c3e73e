"""OpenSearch Service: domains, those of Elasticsearch included; not serverless collections."""

from collections.abc import Callable
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import (
    Batch,
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)

POLICY = policy_document("domain", "AccessPolicies")

_TAGS = tags_of("ARN")


def switched(options: str, name: str = "Enabled") -> Callable[[Item], bool | None]:
    """A source: whether an option of the domain is on; AWS leaves out what never was."""

    def read(item: Item) -> bool | None:
        if "domain" not in item:
            return None
        return bool((item["domain"].get(options) or {}).get(name, False))

    return read


def tags(item: Item) -> Any:
    """Its tags; None where they or its ARN were not read."""
    return _TAGS({**item, "ARN": item["domain"].get("ARN")}) if "domain" in item else None


def state(item: Item) -> str | None:
    """Active, Deleting, Modifying, ...; what AWS did not say before it had a word for it."""
    if "domain" not in item:
        return None
    domain = item["domain"]
    if domain.get("DomainProcessingStatus"):
        return str(domain["DomainProcessingStatus"])
    if domain.get("Deleted"):
        return "Deleting"
    return "Modifying" if domain.get("Processing") else "Active"


def log_kinds(item: Item) -> list[str] | None:
    """Kinds of logs that go to CloudWatch."""
    if "domain" not in item:
        return None
    options = item["domain"].get("LogPublishingOptions") or {}
    return sorted(kind for kind, option in options.items() if option.get("Enabled"))


OPENSEARCH_DOMAIN = ResourceType(
    name="opensearch_domain",
    table="opensearch_domains",
    group="opensearch",
    service="opensearch",
    meaning="OpenSearch and Elasticsearch domains.",
    operation="list_domain_names",
    items="DomainNames[]",
    iam_actions=("es:ListDomainNames",),
    resource_id="DomainName",
    arn="arn:{partition}:es:{region}:{account_id}:domain/{resource_id}",
    name_source="DomainName",
    state=state,
    tags=tags,
    fields=(
        field("engine_version", T.TEXT, "Engine and version.", "domain.EngineVersion"),
        field(
            "instance_type", T.TEXT, "Type of its data nodes.", "domain.ClusterConfig.InstanceType"
        ),
        field("instances", T.BIGINT, "Data nodes.", "domain.ClusterConfig.InstanceCount"),
        field(
            "zone_awareness",
            T.BOOLEAN,
            "Spread over availability zones.",
            switched("ClusterConfig", "ZoneAwarenessEnabled"),
        ),
        field(
            "master_type",
            T.TEXT,
            "Type of dedicated master nodes.",
            "domain.ClusterConfig.DedicatedMasterType",
        ),
        field(
            "masters",
            T.BIGINT,
            "Dedicated master nodes.",
            "domain.ClusterConfig.DedicatedMasterCount",
        ),
        field("warm_type", T.TEXT, "Type of warm nodes.", "domain.ClusterConfig.WarmType"),
        field("warm_nodes", T.BIGINT, "Warm nodes.", "domain.ClusterConfig.WarmCount"),
        field("volume_type", T.TEXT, "EBS type of data nodes.", "domain.EBSOptions.VolumeType"),
        field(
            "volume_size_gb",
            T.BIGINT,
            "EBS size of each data node, GiB.",
            "domain.EBSOptions.VolumeSize",
        ),
        field("volume_iops", T.BIGINT, "Provisioned IOPS of each.", "domain.EBSOptions.Iops"),
        field(
            "encrypted",
            T.BOOLEAN,
            "Encrypted at rest.",
            switched("EncryptionAtRestOptions"),
        ),
        field("kms_key_id", T.TEXT, "KMS key.", "domain.EncryptionAtRestOptions.KmsKeyId"),
        field(
            "node_to_node_encryption",
            T.BOOLEAN,
            "Nodes talk to each other by TLS.",
            switched("NodeToNodeEncryptionOptions"),
        ),
        field(
            "https_required",
            T.BOOLEAN,
            "Refuses plain HTTP.",
            switched("DomainEndpointOptions", "EnforceHTTPS"),
        ),
        field(
            "tls_policy",
            T.TEXT,
            "TLS that it accepts.",
            "domain.DomainEndpointOptions.TLSSecurityPolicy",
        ),
        field(
            "fine_grained_access",
            T.BOOLEAN,
            "Fine-grained access control is on.",
            switched("AdvancedSecurityOptions"),
        ),
        field(
            "anonymous_access",
            T.BOOLEAN,
            "Anyone may come in while access control is being set up.",
            switched("AdvancedSecurityOptions", "AnonymousAuthEnabled"),
        ),
        field(
            "vpc_id",
            T.TEXT,
            "VPC; empty where its endpoint is public.",
            "domain && (domain.VPCOptions.VPCId || '')",
        ),
        field("log_kinds", T.TEXT_LIST, "Logs sent to CloudWatch.", log_kinds),
        field(
            "update_available",
            T.BOOLEAN,
            "AWS has newer service software.",
            switched("ServiceSoftwareOptions", "UpdateAvailable"),
        ),
        policy_statement_count(POLICY),
    ),
    details=(
        Detail(
            "domain",
            "describe_domains",
            {},
            "es:DescribeDomains",
            batch=Batch("DomainNames", "DomainName", "DomainStatusList", "DomainName", 5),
        ),
        cell_tags("es:domain"),
    ),
    children=(policy_children(POLICY),),
    relationships=(
        Relationship("in_vpc", "vpc", "[domain.VPCOptions.VPCId]"),
        Relationship("in_subnet", "subnet", "domain.VPCOptions.SubnetIds"),
        Relationship("has_security_group", "security_group", "domain.VPCOptions.SecurityGroupIds"),
        Relationship("encrypted_with", "kms_key", "[domain.EncryptionAtRestOptions.KmsKeyId]"),
    ),
)

RESOURCE_TYPES = (OPENSEARCH_DOMAIN,)
