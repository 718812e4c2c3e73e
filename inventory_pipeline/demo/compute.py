"""EC2 as the simulation answers it: instances and what belongs to them, from the description.

VPCs, subnets, security groups and the like stay moto's own. Belongs here: EC2's operations. Not
here: the shape of what they answer (`answers`, `thing_answers`).
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from inventory_pipeline.demo import answers, thing_answers
from inventory_pipeline.demo.estate import Thing, Volume
from inventory_pipeline.demo.stage import Guarded, Refused, page

T = TypeVar("T")


def _always(**answer: Any) -> Callable[[Any], ActionResult]:
    """An operation that answers the same for every account and region."""
    return lambda _: ActionResult(answer)


class Compute(Guarded, EC2Response):
    # What a region has set where nobody ever changed it.
    get_ebs_default_kms_key_id = _always(KmsKeyId="alias/aws/ebs")
    get_snapshot_block_public_access_state = _always(State="unblocked")
    get_image_block_public_access_state = _always(ImageBlockPublicAccessState="block-new-sharing")
    describe_vpc_block_public_access_options = _always(
        VpcBlockPublicAccessOptions={"InternetGatewayBlockMode": "off"}
    )
    get_instance_metadata_defaults = _always(AccountLevel={})
    get_serial_console_access_status = _always(SerialConsoleAccessEnabled=False)
    # What nobody has, and moto does not know.
    describe_capacity_reservations = _always(CapacityReservations=[])

    def describe_regions(self) -> ActionResult:
        names = self._get_param("RegionNames", [])
        all_regions = self._get_bool_param("AllRegions", False) or names
        return ActionResult(
            {
                "Regions": [
                    r
                    for r in answers.REGIONS
                    if (all_regions or r["OptInStatus"] != "not-opted-in")
                    and (not names or r["RegionName"] in names)
                ]
            }
        )

    def describe_instances(self) -> ActionResult:
        cell = self.cell
        found, token = self._page(cell.instances)
        reservations = [
            {
                "ReservationId": it.id.replace("i-", "r-"),
                "OwnerId": it.account_id,
                "Instances": [answers.instance(it, cell.volumes_of.get(it.id, []))],
            }
            for it in found
        ]
        return ActionResult({"Reservations": reservations, "NextToken": token})

    def describe_instance_attribute(self) -> ActionResult:
        """User data, which is all that is asked for."""
        id = self._get_param("InstanceId")
        instance = next((it for it in self.cell.instances if it.id == id), None)
        if instance is None:
            message = f"The instance ID '{id}' does not exist"
            raise Refused("InvalidInstanceID.NotFound", message)
        return ActionResult(answers.user_data(instance))

    def describe_instance_image_metadata(self) -> ActionResult:
        wanted = self._get_param("InstanceIds", [])
        found = [answers.image_of(it) for it in self.cell.instances if it.id in wanted]
        return ActionResult({"InstanceImageMetadata": found})

    def describe_volumes(self) -> ActionResult:
        cell = self.cell
        found, token = self._page(cell.volumes)
        volumes = [answers.volume(it, self._device(it)) for it in found]
        return ActionResult({"Volumes": volumes, "NextToken": token})

    def describe_network_interfaces(self) -> ActionResult:
        return self._things("network_interface", "NetworkInterfaces", thing_answers.interface)

    def describe_addresses(self) -> ActionResult:
        # All at once: AWS does not page them.
        found = self.cell.things.get("elastic_ip", [])
        return ActionResult({"Addresses": [thing_answers.address(it) for it in found]})

    def describe_nat_gateways(self) -> ActionResult:
        return self._things("nat_gateway", "NatGateways", thing_answers.nat_gateway)

    def describe_snapshots(self) -> ActionResult:
        public = "all" in self._get_param("RestorableByUserIds", [])
        found = self.cell.things.get("ebs_snapshot", [])
        wanted = [it for it in found if not public or it.about.get("public")]
        snapshots, token = self._page(wanted)
        return ActionResult(
            {"Snapshots": [thing_answers.snapshot(it) for it in snapshots], "NextToken": token}
        )

    def describe_snapshot_attribute(self) -> ActionResult:
        id = self._get_param("SnapshotId")
        snapshot = next(it for it in self.cell.things["ebs_snapshot"] if it.id == id)
        groups = [{"Group": "all"}] if snapshot.about.get("public") else []
        return ActionResult({"SnapshotId": id, "CreateVolumePermissions": groups})

    def describe_reserved_instances(self) -> ActionResult:  # type: ignore[override] # moto: None
        found = self.cell.things.get("reserved_instance", [])
        return ActionResult({"ReservedInstances": [thing_answers.reservation(it) for it in found]})

    def _device(self, volume: Volume) -> int:
        siblings = self.cell.volumes_of.get(volume.instance_id or "")
        return siblings.index(volume) if siblings else 0

    def _things(self, kind: str, name: str, word: Callable[[Thing], Any]) -> ActionResult:
        found, token = self._page(self.cell.things.get(kind, []))
        return ActionResult({name: [word(it) for it in found], "NextToken": token})

    def _page(self, items: Sequence[T]) -> tuple[Sequence[T], str | None]:
        return page(items, self._get_param("NextToken"), self._get_int_param("MaxResults"))
