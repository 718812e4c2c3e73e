"""RDS: what it tells of instances and of clusters alike; their engines are in `rds_engines`."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import field

DATABASE_FIELDS = (
    field("engine", T.TEXT, "Engine.", "Engine"),
    field("engine_version", T.TEXT, "Engine version.", "EngineVersion"),
    field("iops", T.BIGINT, "Provisioned IOPS.", "Iops"),
    field("encrypted", T.BOOLEAN, "Storage encrypted at rest.", "StorageEncrypted"),
    field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
    field("publicly_accessible", T.BOOLEAN, "Resolves to a public address.", "PubliclyAccessible"),
    field("deletion_protection", T.BOOLEAN, "Deletion protection.", "DeletionProtection"),
    field(
        "auto_minor_version_upgrade",
        T.BOOLEAN,
        "Minor versions install themselves.",
        "AutoMinorVersionUpgrade",
    ),
    field(
        "iam_authentication",
        T.BOOLEAN,
        "IAM database authentication.",
        "IAMDatabaseAuthenticationEnabled",
    ),
    field("master_username", T.TEXT, "Name of the administrator.", "MasterUsername"),
    field(
        "master_secret_arn",
        T.TEXT,
        "Secret that AWS keeps its password in; NULL where it does not.",
        "MasterUserSecret.SecretArn",
    ),
    field(
        "log_exports",
        T.TEXT_LIST,
        "Logs sent to CloudWatch; empty where none.",
        "EnabledCloudwatchLogsExports || `[]`",
    ),
    field("copies_tags_to_snapshots", T.BOOLEAN, "Snapshots get its tags.", "CopyTagsToSnapshot"),
    field(
        "restarts_at",
        T.TIMESTAMP,
        "When AWS will start a stopped one again.",
        "AutomaticRestartTime",
    ),
)
