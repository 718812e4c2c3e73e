"""How many report files are decoded at a time: as settings say, as far as memory goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.reports import reading
from inventory_pipeline_tests.defs.conftest import House
from inventory_pipeline_tests.defs.daemon import deliver, make_daemon


@pytest.mark.parametrize(("memory", "workers", "decoders"), [("2GB", 3, 3), ("512MB", 3, 1)])
def test_the_settings_say_how_many_files_are_decoded_at_a_time(
    house: House,
    aws: str,
    monkeypatch: pytest.MonkeyPatch,
    memory: str,
    workers: int,
    decoders: int,
) -> None:
    daemon = make_daemon(house, aws)
    house.content["s3_inventory"] |= {"workers": workers}
    house.content.setdefault("lake", {})["memory_limit"] = memory
    made: list[int] = []

    class Watched(reading.Reader):
        def __init__(self, lake: Any, sessions: Sequence[Any], pool: Any, folder: Path) -> None:
            made.append(len(sessions))
            super().__init__(lake, sessions, pool, folder)

    monkeypatch.setattr(reading, "Reader", Watched)
    deliver(daemon, "a")
    daemon.run(daemon.tick())
    assert made == [decoders]
    assert daemon.ledger() == {("a", "01-10T01"): "ingested"}
