"""What the package imports is installed with it, or with the extra that needs it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import inventory_pipeline

PACKAGE = Path(inventory_pipeline.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
INDIRECT = {
    "botocore": "boto3",
    "llvmlite": "numba",
    "pydantic_core": "pydantic",
    "sqlalchemy": "pyiceberg",
    "werkzeug": "flask",
}
"""What comes with one that is named."""


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", one)[0].lower().replace("_", "-") for one in requirements}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_every_import_is_a_requirement() -> None:
    base, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    of_demo = base | names(extras["demo"]) | names(extras["fast"])
    owners = packages_distributions()
    missing: set[tuple[str, str]] = set()
    for file in PACKAGE.rglob("*.py"):
        place = file.relative_to(PACKAGE)
        compiled = place.parts[0] == "reports"  # whose fast ways are optional
        allowed = of_demo if place.parts[0] == "demo" or compiled else base
        for module in set(imported(file)) - sys.stdlib_module_names - {"inventory_pipeline"}:
            owner = {one.lower().replace("_", "-") for one in owners.get(module, [module])}
            if not (owner & allowed or INDIRECT.get(module) in allowed):
                missing.add((str(place), module))
    assert missing == set()
