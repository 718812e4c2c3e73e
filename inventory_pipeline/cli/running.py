"""Saying how runs of Dagster jobs ended, and exiting accordingly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from inventory_pipeline.cli.group import PARTIAL
from inventory_pipeline.cli.safe import safe

if TYPE_CHECKING:
    from inventory_pipeline.defs.launch import JobOutcome


class RunFailedError(Exception):
    """A run did not succeed; the message says what failed."""


def finish(outcomes: Sequence[JobOutcome], *, partial: bool = False) -> None:
    """Exit with 3 where a run (or, with `partial`, what led to it) did only part of its work."""
    for outcome in outcomes:
        for line in outcome.messages:
            click.echo(safe(line), err=True)
        ended = "failed" if not outcome.success else "partial" if outcome.partial else "done"
        click.echo(f"run {outcome.run_id}: {ended}")
    failed = [outcome.run_id for outcome in outcomes if not outcome.success]
    if failed:
        raise RunFailedError(
            f"{len(failed)} of {len(outcomes)} runs failed: see above what did, "
            "and the runs in `dagster dev` for more"
        )
    if partial or any(outcome.partial for outcome in outcomes):
        raise click.exceptions.Exit(PARTIAL)
