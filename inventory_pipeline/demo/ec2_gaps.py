"""Operations of EC2 that moto lacks, answered as for an account that never set anything.

Not here: the instances and volumes themselves (`services`).
"""

from moto.core.responses import ActionResult


class UntouchedSettings:
    """What an account has set for itself in a region, and bought there: nothing."""

    def get_ebs_default_kms_key_id(self) -> ActionResult:
        return ActionResult({"KmsKeyId": "alias/aws/ebs"})

    def get_snapshot_block_public_access_state(self) -> ActionResult:
        return ActionResult({"State": "unblocked", "ManagedBy": "account"})

    def get_image_block_public_access_state(self) -> ActionResult:
        # AWS blocks it where an account has had no public AMI for long.
        return ActionResult({"ImageBlockPublicAccessState": "block-new-sharing"})

    def describe_vpc_block_public_access_options(self) -> ActionResult:
        options = {"State": "default-state", "InternetGatewayBlockMode": "off"}
        return ActionResult({"VpcBlockPublicAccessOptions": options})

    def get_instance_metadata_defaults(self) -> ActionResult:
        return ActionResult({"AccountLevel": {}})

    def get_serial_console_access_status(self) -> ActionResult:
        return ActionResult({"SerialConsoleAccessEnabled": False})

    def describe_reserved_instances(self) -> ActionResult:
        return ActionResult({"ReservedInstances": []})
