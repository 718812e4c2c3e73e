"""Reports as JSON files: one of each review, and the newest under a stable name."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


def write_report(folder: Path, name: str, at: datetime, content: Mapping[str, Any]) -> Path:
    """Write `<name>-<instant>.json` and `<name>-latest.json`, each whole or not at all.

    Money (Decimal) is written as text with all its digits; times as ISO 8601.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False) + "\n"
    dated = folder / f"{name}-{at.strftime('%Y-%m-%dT%H%MZ')}.json"
    for path in (dated, folder / f"{name}-latest.json"):
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    return dated
