"""A tool that the full tier lacks is told, never skipped."""

from pathlib import Path

import pytest

from inventory_pipeline_tests.end_to_end import ministack, trino


def test_without_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(trino.TrinoUnavailableError, match="install mvn"):
        trino.server_folder()


def test_without_a_new_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trino, "JAVA_RELEASE", 999)
    with pytest.raises(trino.TrinoUnavailableError, match="needs Java 999 or newer"):
        trino.java()


def test_without_ministack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ministack.MinistackUnavailableError, match="pip cannot fetch ministack"):
        ministack.environment()
    assert list((tmp_path / "inventory_pipeline" / "ministack").iterdir()) == []
