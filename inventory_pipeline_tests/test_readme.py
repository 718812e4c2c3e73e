"""README's figures and commands are those of the build; its example of a type has its own test."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from inventory_pipeline.cli import COMMANDS, main
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.benchmarks.__main__ import BENCHMARKS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
MONTHLY_COLLECTIONS = 2 * 365 / 12
USD_PER_METRIC = 0.01 / 1000


def figures(pattern: str) -> Iterator[int]:
    found = re.search(pattern, README)
    assert found, pattern
    return map(int, found.groups())


def test_as_many_resource_types_as_it_says() -> None:
    (types, services) = figures(r"More than (\d+) resource types of some (\d+) AWS services")
    kinds = resource_types().values()
    assert len(kinds) > types
    assert abs(len({kind.group for kind in kinds}) - services) <= 5


def test_utilisation_costs_what_it_says() -> None:
    instance, bucket, usd = figures(
        r"An EC2 instance has (\d+) metrics and a bucket (\d+), so 1,000 of each, twice a day, "
        r"are about \$(\d+) a month"
    )
    kinds = resource_types()
    assert len(kinds["ec2_instance"].metrics) == instance
    assert len(kinds["s3_bucket"].metrics) == bucket
    assert round(1000 * (instance + bucket) * MONTHLY_COLLECTIONS * USD_PER_METRIC) == usd


def test_its_commands_and_options_exist() -> None:
    named = re.findall(r"(?:`|^|&& )inventory ([a-z-]+)([^`\n#&|]*)", README, re.MULTILINE)
    assert {"collect", "doctor", "infra", "list"} <= {name for name, _ in named}
    for name, rest in named:
        assert name in COMMANDS
        command = main.get_command(click.Context(main), name)
        for word in rest.split():
            if isinstance(command, click.Group) and word in command.commands:
                command = command.commands[word]
        assert command is not None
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= options, (name, rest)


def test_it_names_every_benchmark() -> None:
    found = re.search(r"with `NAME` of (.*?):", README)
    assert found
    assert re.findall(r"`(\w+)`", found[1]) == sorted(BENCHMARKS)
