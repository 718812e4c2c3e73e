"""User data of instances: whether there is any, and whether credentials are in it.

Belongs here: unpacking what EC2 gives (base64, gzip, MIME parts) and handing it to the scanner. The
text stays within these functions: what they give is yes or no, and names of detectors.
"""

import base64
import zlib
from email import message_from_bytes
from email.message import Message

from inventory_pipeline.resource_types.model import Item
from inventory_pipeline.resource_types.secrets_scan import ScanResult, scan

# EC2 takes 16 KiB, which may unpack to far more; a scan of this much takes some milliseconds.
_MOST_BYTES = 1_000_000
_GZIP = b"\x1f\x8b"


def has_user_data(instance: Item) -> bool | None:
    """None where it was not read."""
    return bool(_encoded(instance)) if "user_data" in instance else None


def user_data_secret(instance: Item) -> bool | None:
    result = _scanned(instance)
    return None if result is None else result.found


def user_data_detectors(instance: Item) -> list[str] | None:
    result = _scanned(instance)
    return None if result is None else list(result.detectors)


def _encoded(instance: Item) -> str:
    return (instance["user_data"].get("UserData") or {}).get("Value") or ""


def _scanned(instance: Item) -> ScanResult | None:
    """What the scanner says of all its parts; None where they were not read."""
    if "user_data" not in instance:
        return None
    unpacked = _unpacked(base64.b64decode(_encoded(instance)))
    return scan("\n".join(part.decode("utf-8", "replace") for part in _parts(unpacked)))


def _unpacked(data: bytes) -> bytes:
    """What is in a gzip stream, as far as it can be read; all else as it is."""
    if not data.startswith(_GZIP):
        return data
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(data, _MOST_BYTES)
    except zlib.error:
        return data


def _parts(data: bytes) -> list[bytes]:
    """The parts of a cloud-init MIME archive, decoded; the data itself where it is none."""
    head = data[:2000].lower()
    if b"content-type:" not in head or b"multipart/" not in head:
        return [data]
    found = [_payload(part) for part in message_from_bytes(data).walk() if not part.is_multipart()]
    # Whatever the parts leave out is looked at as well.
    return [data, *found]


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return _unpacked(payload) if isinstance(payload, bytes) else b""
