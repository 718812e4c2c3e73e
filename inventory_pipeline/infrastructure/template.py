"""CloudFormation templates as files: one text for one content, as YAML and as JSON.

Belongs here: layout and writing. Not here: what is in a template (`member`, `collector`).
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from inventory_pipeline.infrastructure.policies import Statement, split

FORMAT_VERSION = "2010-09-09"
HEADER = (
    "# Written by `inventory infra render`. Change the settings and render again, not this file.\n"
)


@dataclass(frozen=True)
class Template:
    """A template, by the name of its files without suffix."""

    name: str
    body: dict[str, Any]

    @property
    def files(self) -> dict[str, str]:
        """Text by file name. Order is the body's own, so two renderings can be compared."""
        as_yaml = yaml.dump(
            self.body, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True
        )
        as_json = json.dumps(self.body, indent=2, ensure_ascii=False)
        return {f"{self.name}.yaml": HEADER + as_yaml, f"{self.name}.json": as_json + "\n"}


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, and no anchors: CloudFormation's own tools know few of them."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def managed_policies(
    name: str, description: str, statements: Iterable[Statement]
) -> dict[str, dict[str, Any]]:
    """Resources `<name>1`, `<name>2`, ...: as many policies as the statements need.

    They have no names of their own, so CloudFormation can replace them. Raises PolicyError.
    """
    return {
        f"{name}{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"Description": description, "PolicyDocument": policy},
        }
        for number, policy in enumerate(split(statements), start=1)
    }


def write_templates(templates: Iterable[Template], folder: Path) -> list[Path]:
    """Write the files of all templates, each whole or not at all; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {name: text for template in templates for name, text in template.files.items()}
    for name, text in texts.items():
        aside = folder / f".{name}.{os.getpid()}"
        try:
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, folder / name)
        finally:
            aside.unlink(missing_ok=True)
    return [folder / name for name in texts]
