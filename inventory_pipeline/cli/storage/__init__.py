"""`inventory storage [VIEW]`: what S3 Inventory says of stored objects, a module for each view.

A view is a module here whose click command `view` shows one answer, and its entry in `VIEWS`.
"""

import click

from inventory_pipeline.cli.storage import (
    compliance,
    duplicates,
    growth,
    health,
    personal_data,
    reconciliation,
    tenants,
    tiering,
    usage,
    waste,
)

VIEWS = (
    usage.view,
    growth.view,
    waste.view,
    duplicates.view,
    tiering.view,
    compliance.view,
    tenants.view,
    personal_data.view,
    reconciliation.view,
    health.view,
)
"""In the order in which help lists them; without a view, it is the first."""


class Views(click.Group):
    """A group whose first command is meant where none is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in ctx.help_option_names or not args[0].startswith("-"))
        return super().parse_args(ctx, args if named else [self.list_commands(ctx)[0], *args])


@click.command(cls=Views, commands=VIEWS)
def storage() -> None:
    """S3 objects and bytes: what they cost, waste and risk.

    Without a view it is usage, which takes its options as well.

    \b
    Examples:
      inventory storage
      inventory storage --by prefix
    """
