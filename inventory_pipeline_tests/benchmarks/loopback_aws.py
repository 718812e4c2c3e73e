"""An AWS on loopback that answers every call after a while, and costs next to nothing itself.

It says what each account has by the name in its access key. Not here: anything of AWS's logic;
every operation that it does not know finds nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection

LATENCY_SECONDS = 0.05

_HEADERS = {
    name: re.compile(rb"(?i)\r\n" + name.encode() + rb": *([^\r]*)")
    for name in (
        "authorization",
        "content-length",
        "content-type",
        "x-amz-target",
        "smithy-protocol",
    )
}
_SCOPE = re.compile(rb"Credential=ASIA(\d{12})/\d+/([^/]+)/([^/]+)/")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_ROLE = re.compile(rb"RoleArn=arn%3Aaws%3Aiam%3A%3A(\d{12})")

REGIONS = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"),
    *("ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)

Answer = tuple[str, bytes]
"""Content type and body."""


def xml(body: str) -> Answer:
    return "text/xml", body.encode()


def _assume_role(account: str) -> Answer:
    return xml(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        f"<AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>arn:aws:sts::{account}:assumed-role/R/s</Arn></AssumedRoleUser>"
        "</AssumeRoleResult></AssumeRoleResponse>"
    )


def _identity(account: str) -> Answer:
    return xml(
        f"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{account}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def _regions(_: str) -> Answer:
    items = "".join(
        f"<item><regionName>{r}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
        for r in REGIONS
    )
    return xml(
        f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
    )


def _report_state(_: str) -> Answer:
    return xml(
        "<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>COMPLETE</State>"
        "</GenerateCredentialReportResult></GenerateCredentialReportResponse>"
    )


def _internet_gateways(account: str) -> Answer:
    items = f"<item><internetGatewayId>igw-{account}</internetGatewayId></item>"
    return xml(
        "<DescribeInternetGatewaysResponse>"
        f"<internetGatewaySet>{items}</internetGatewaySet></DescribeInternetGatewaysResponse>"
    )


def volumes(count: int) -> Callable[[str], Answer]:
    def answer(account: str) -> Answer:
        items = "".join(
            f"<item><volumeId>vol-{account}{n:06}</volumeId><size>100</size><status>in-use</status>"
            "<createTime>2026-01-01T00:00:00.000Z</createTime><volumeType>gp3</volumeType>"
            "<iops>3000</iops><throughput>125</throughput><encrypted>true</encrypted>"
            "<availabilityZone>us-east-1a</availabilityZone><attachmentSet><item>"
            f"<instanceId>i-{account}{n:06}</instanceId><deleteOnTermination>true"
            "</deleteOnTermination></item></attachmentSet><tagSet><item><key>Name</key>"
            f"<value>volume {n}</value></item><item><key>team</key><value>t{n % 7}</value></item>"
            "</tagSet></item>"
            for n in range(count)
        )
        return xml(
            f"<DescribeVolumesResponse><volumeSet>{items}</volumeSet></DescribeVolumesResponse>"
        )

    return answer


def network_interfaces(count: int) -> Callable[[str], Answer]:
    def answer(account: str) -> Answer:
        items = "".join(
            f"<item><networkInterfaceId>eni-{account}{n:06}</networkInterfaceId><subnetId>subnet-1"
            f"</subnetId><vpcId>vpc-1</vpcId><ownerId>{account}</ownerId><status>in-use</status>"
            "<availabilityZone>us-east-1a</availabilityZone><description>of a task</description>"
            "<interfaceType>interface</interfaceType><macAddress>02:00:00:00:00:01</macAddress>"
            f"<privateIpAddress>10.0.{n // 250}.{n % 250}</privateIpAddress><groupSet><item>"
            "<groupId>sg-1</groupId><groupName>web</groupName></item></groupSet><attachment>"
            f"<instanceId>i-{n:017}</instanceId><deleteOnTermination>true</deleteOnTermination>"
            "<deviceIndex>0</deviceIndex><attachTime>2026-01-01T00:00:00.000Z</attachTime>"
            f"</attachment><tagSet><item><key>Name</key><value>task {n}</value></item></tagSet>"
            f"<privateIpAddressesSet><item><privateIpAddress>10.0.{n // 250}.{n % 250}"
            "</privateIpAddress><primary>true</primary></item></privateIpAddressesSet></item>"
            for n in range(count)
        )
        return xml(
            "<DescribeNetworkInterfacesResponse><networkInterfaceSet>"
            f"{items}</networkInterfaceSet></DescribeNetworkInterfacesResponse>"
        )

    return answer


class LoopbackAws(asyncio.Protocol):
    """One connection."""

    answers: dict[tuple[str, str], Callable[[str], Answer]]
    ready: dict[tuple[str, str, str], bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end]
            length = int(_header(head, "content-length") or 0)
            if len(self.received) < end + 4 + length:
                return
            body = self.received[end + 4 : end + 4 + length]
            self.received = self.received[end + 4 + length :]
            loop = asyncio.get_running_loop()
            loop.call_later(LATENCY_SECONDS, self._send, self._answer(head, body))

    def _send(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)

    def _answer(self, head: bytes, body: bytes) -> bytes:
        scope = _SCOPE.search(head)
        role = _ROLE.search(body)
        account = (role or scope)[1].decode() if (role or scope) else "0" * 12  # type: ignore[index] # one of them
        service = scope[3].decode() if scope else "sts"
        target = (_header(head, "x-amz-target") or b"").rpartition(b".")[2].decode()
        action = _ACTION.search(body)
        name = action[1].decode() if action else target or head.split(b" ", 2)[1].decode()
        if name == "GetMetricData":
            return _metrics(body.count(b'"MetricStat"'))
        key = (account, service, name)
        if key not in self.ready:
            known = self.answers.get((service, name))
            nothing = xml("<Nothing/>") if service == "s3" else _nothing(head, name)
            self.ready[key] = _http(*(known(account) if known else nothing))
        return self.ready[key]


def _header(head: bytes, name: str) -> bytes | None:
    found = _HEADERS[name].search(head)
    return found[1] if found else None


def _nothing(head: bytes, name: str) -> Answer:
    if _header(head, "smithy-protocol"):
        return "application/cbor", b"\xa0"
    if b"json" in (_header(head, "content-type") or b"json"):
        return "application/json", b"{}"
    return xml(f"<{name}Response><{name}Result/></{name}Response>")


@cache
def _metrics(queries: int) -> bytes:
    """A fortnight of daily datapoints for each query."""
    days = range(1_790_000_000, 1_790_000_000 + 14 * 86_400, 86_400)
    found = {"Timestamps": [*days], "Values": [0.5] * 14, "StatusCode": "Complete"}
    results = [{"Id": f"q{n}", **found} for n in range(queries)]
    return _http("application/json", json.dumps({"MetricDataResults": results}).encode())


def _http(content_type: str, body: bytes) -> bytes:
    protocol = "smithy-protocol: rpc-v2-cbor\r\n" if content_type == "application/cbor" else ""
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{protocol}"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _serve(pipe: Connection, per_region: int) -> None:
    LoopbackAws.ready = {}
    LoopbackAws.answers = {
        ("sts", "AssumeRole"): _assume_role,
        ("sts", "GetCallerIdentity"): _identity,
        ("iam", "GenerateCredentialReport"): _report_state,
        ("ec2", "DescribeRegions"): _regions,
        ("ec2", "DescribeInternetGateways"): _internet_gateways,
        ("ec2", "DescribeNetworkInterfaces"): network_interfaces(per_region),
        ("ec2", "DescribeVolumes"): volumes(per_region),
    }

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(LoopbackAws, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def loopback_aws(per_region: int = 1) -> Iterator[str]:
    """The endpoint of an AWS whose every account has so many volumes and as many network
    interfaces in each region."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    server = context.Process(target=_serve, args=(sender, per_region), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{receiver.recv()}"
    finally:
        server.kill()
        server.join()
