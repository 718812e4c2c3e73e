"""What every control and rule rests on is collected. `evidence.txt` says what that is.

A line is the id of a control or rule and the columns of its evidence, those of metrics included.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from inventory_pipeline.marts.cost.rules import RULES
from inventory_pipeline.marts.security.controls import CONTROLS
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.tables import tables

EVIDENCE = {
    name: columns.split()
    for name, columns in (
        line.rsplit(": ", 1)
        for line in Path(__file__).with_name("evidence.txt").read_text("utf-8").splitlines()
    )
}
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


def collected() -> dict[str, set[str]]:
    found = defaultdict(set, {t.name: {c.name for c in t.columns} for t in tables().values()})
    for kind in resource_types().values():
        found[kind.table] |= {metric.column for metric in kind.metrics}
    return found


def test_the_evidence_of_every_control_and_rule_is_collected() -> None:
    have = collected()
    missing = [
        f"{name}: {column}"
        for name, columns in EVIDENCE.items()
        for column in columns
        if column.partition(".")[2] not in have[column.partition(".")[0]]
    ]
    assert missing == []
    assert len(EVIDENCE) > 200


def test_every_control_and_rule_that_is_built_has_its_evidence_listed() -> None:
    assert {c.id for c in CONTROLS} - set(EVIDENCE) == set()
    assert {rule.id for rule in RULES} - set(EVIDENCE) == set()


def test_no_control_or_rule_of_the_reference_is_forgotten() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference of controls and rules is not beside this checkout")
    controls = json.loads((REFERENCE / "security-controls.json").read_text("utf-8"))
    rows = re.findall(
        r"(?m)^\| ([a-z0-9]+\.[^|]+?) \|", (REFERENCE / "cost-rules.md").read_text("utf-8")
    )
    rules = {name for row in rows for name in row.split(", ")}
    listed = set(EVIDENCE) | {name.partition(" / ")[0] for name in EVIDENCE}
    assert {control["id"] for control in controls} - listed == set()
    assert {rule for rule in rules if rule.partition(" / ")[0] not in listed} == set()
