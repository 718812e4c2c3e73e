"""A real Trino on loopback: fetched once, started for a test session, asked over its HTTP protocol.

Needs Maven, a JDK of `JAVA_RELEASE` or newer, 2 GB of disk and of memory. What is missing is a
`TrinoUnavailableError`: nothing here skips.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

VERSION = "476"
JAVA_RELEASE = 24
"""The first Java that runs this Trino."""

ARTIFACT = f"io.trino:trino-server:{VERSION}:tar.gz"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

FETCH_SECONDS = 1200
START_SECONDS = 240
QUERY_SECONDS = 300

CATALOG = "lake"

CONFIG = """\
node.environment=test
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
plugin.dir={folder}/plugin
catalog.config-dir={folder}/catalog
query.client.timeout=1m
"""

# Iceberg tables over a metastore of files. The Hadoop filesystem, since a local lake's tables have
# plain absolute paths, which Trino's own local filesystem does not take.
ICEBERG = """\
connector.name=iceberg
iceberg.catalog.type=TESTING_FILE_METASTORE
iceberg.register-table-procedure.enabled=true
hive.metastore.catalog.dir=file://{folder}/metastore
fs.hadoop.enabled=true
"""

JVM = (
    "-Xmx2G",
    "-XX:+UseG1GC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:TieredStopAtLevel=1",  # short queries: quick to compile beats quick once compiled
    "-Djdk.attach.allowAttachSelf=true",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


class TrinoUnavailableError(Exception):
    """No Trino can be had on this machine; the message names the missing tool."""


class TrinoQueryError(Exception):
    """Trino refused or failed a query; the message is Trino's."""


@dataclass(frozen=True)
class Result:
    """A query's columns, as (name, type) in Trino's words, and its rows in Python's types."""

    columns: Sequence[tuple[str, str]]
    rows: Sequence[tuple[Any, ...]]


# -- fetching ----------------------------------------------------------------------------------


def server_folder() -> Path:
    """The unpacked server, fetched by Maven when it is not in the cache yet."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "inventory_pipeline" / "trino"
    server = folder / f"trino-server-{VERSION}"
    if not server.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            archive = _fetch(Path(scratch))
            shutil.unpack_archive(archive, scratch, filter="data")
            try:
                os.rename(Path(scratch) / server.name, server)
            except OSError:  # another process was first
                if not server.exists():
                    raise
    return server


def _fetch(folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise TrinoUnavailableError(f"Maven is needed to fetch {ARTIFACT}: install mvn")
    command = [maven, "--batch-mode", "--quiet", MAVEN_COPY, f"-Dartifact={ARTIFACT}"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={folder}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
    )
    if done.returncode:
        raise TrinoUnavailableError(f"Maven cannot fetch {ARTIFACT}: {done.stdout[-500:]}")
    return folder / f"trino-server-{VERSION}.tar.gz"


def java() -> Path:
    """A Java that is new enough: `JAVA_HOME`, the one on the path, or one under /usr/lib/jvm."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    if found := shutil.which("java"):
        homes.append(Path(found).resolve().parent.parent)
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    for home in homes:
        if _java_release(home) >= JAVA_RELEASE:
            return home / "bin" / "java"
    raise TrinoUnavailableError(
        f"Trino {VERSION} needs Java {JAVA_RELEASE} or newer: install one and set JAVA_HOME"
    )


def _java_release(home: Path) -> int:
    """The major version in a JDK's `release` file; 0 where there is no such JDK."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0
    version = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(version[1]) if version and (home / "bin" / "java").exists() else 0


# -- running -----------------------------------------------------------------------------------


@contextmanager
def trino() -> Iterator[Trino]:
    """A Trino server with the one catalogue `lake`, killed at the end with all it started."""
    server, jvm = server_folder(), java()
    with tempfile.TemporaryDirectory(prefix="inventory-trino-") as name:
        folder = Path(name)
        port = free_port()
        _configure(folder, server, port)
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(jvm), *JVM, f"-Djava.io.tmpdir={folder}/tmp",
                 f"-Dconfig={folder}/config.properties",
                 "-cp", f"{server}/lib/*", "io.trino.server.TrinoServer"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            client = Trino(f"http://127.0.0.1:{port}")
            _await(client, process, log)
            yield client
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _configure(folder: Path, server: Path, port: int) -> None:
    """The server's files; of its plugins only Iceberg, for a quick start."""
    for name in ("plugin", "catalog", "metastore", "tmp"):
        (folder / name).mkdir()
    (folder / "plugin" / "iceberg").symlink_to(server / "plugin" / "iceberg")
    (folder / "config.properties").write_text(CONFIG.format(folder=folder, port=port))
    (folder / "catalog" / f"{CATALOG}.properties").write_text(ICEBERG.format(folder=folder))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(client: Trino, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if client.is_ready():
            return
        time.sleep(0.2)
    ended = f"ended with {process.returncode}" if process.poll() is not None else "is not ready"
    tail = log.read_text(errors="replace")[-2000:]
    raise TrinoUnavailableError(f"Trino {VERSION} {ended}; it said:\n{tail}")


# -- asking ------------------------------------------------------------------------------------


class Trino:
    """A client of Trino's statement protocol; values come as exact Python types."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_ready(self) -> bool:
        try:
            return not self._call(f"{self.url}/v1/info", None)["starting"]
        except OSError:
            return False

    def query(self, sql: str) -> Result:
        """Run one statement to its end. Raises TrinoQueryError."""
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            try:
                return self._query(sql, deadline)
            except TrinoQueryError as error:
                # A server that says it has started may not have found itself as a worker yet.
                if not str(error).startswith("NO_NODES_AVAILABLE") or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _query(self, sql: str, deadline: float) -> Result:
        columns: list[tuple[str, str]] = []
        rows: list[list[Any]] = []
        page = self._call(f"{self.url}/v1/statement", sql.encode())
        while True:
            if error := page.get("error"):
                raise TrinoQueryError(f"{error['errorName']}: {error['message']}")
            columns = [(c["name"], c["type"]) for c in page.get("columns", [])] or columns
            rows += page.get("data", [])
            if "nextUri" not in page:
                break
            if time.monotonic() > deadline:
                raise TrinoQueryError(f"not done within {QUERY_SECONDS} s")
            page = self._call(page["nextUri"], None)  # answers when there is news, or in a second
        decoders = [decoder(kind) for _, kind in columns]
        decoded = [
            tuple(decode(value) for decode, value in zip(decoders, row, strict=True))
            for row in rows
        ]
        return Result(columns, decoded)

    def _call(self, url: str, body: bytes | None) -> dict[str, Any]:
        headers = {
            "X-Trino-User": "tests",
            "X-Trino-Catalog": CATALOG,
            "X-Trino-Time-Zone": "UTC",
            # Without it, timestamps come cut to milliseconds.
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            page: dict[str, Any] = json.load(answer)
        return page


Decoder = Callable[[Any], Any]


@cache
def decoder(kind: str) -> Decoder:
    """What makes a JSON value of a Trino type Python's; NULL is None."""
    decode = _decoder(kind)
    return lambda value: None if value is None else decode(value)


def _decoder(kind: str) -> Decoder:
    name, arguments = re.fullmatch(r"([^()]+)(?:\((.*)\)(?: with time zone)?)?", kind).groups()  # type: ignore[union-attr]
    if name in ("varchar", "boolean", "bigint", "integer", "unknown"):
        return lambda value: value
    if name == "double":
        return float  # NaN and infinities come as text
    if name == "decimal":
        return Decimal
    if name == "date":
        return date.fromisoformat
    if name == "timestamp" and kind.endswith("with time zone"):
        return _instant
    if name == "array":
        element = decoder(arguments)
        return lambda values: [element(value) for value in values]
    if arguments == "varchar, varchar":
        return lambda value: sorted(value.items())
    raise ValueError(f"no Python value for Trino type {kind}")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)
