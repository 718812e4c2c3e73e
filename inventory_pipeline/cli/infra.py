"""`inventory infra`: what to deploy, written from the settings and the resource types."""

from __future__ import annotations

from pathlib import Path

import click

from inventory_pipeline.cli.reading import SETTINGS_OPTION

FORMS = ("yaml", "json")


@click.group()
def infra() -> None:
    """What to deploy in AWS.

    \b
    Example:
      inventory infra render --out infrastructure
    """


@infra.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; made where there is none.",
)
@click.option(
    "--organization/--no-organization",
    default=True,
    show_default=True,
    help="Let only collectors of your AWS organisation enter accounts.",
)
@SETTINGS_OPTION
def render(out: Path, organization: bool, settings_path: Path | None) -> None:
    """Write the IAM roles as CloudFormation: exactly what the enabled resource types need.

    collector-role is for the account that the pipeline runs in; then member-role for every account
    that it looks at, by a StackSet or one by one. Where the settings declare inventory
    configurations, configurator-role is for `inventory configs apply`, and opt-in. Every template
    comes as YAML and as JSON. The same settings give the same bytes, so a difference is a change of
    what is allowed.

    \b
    Examples:
      inventory infra render --out infrastructure
      inventory infra render --out infrastructure --settings production.yaml
    """
    from inventory_pipeline.infrastructure import (
        CONFIGURATOR,
        READER,
        needed_actions,
        notices,
        templates,
        write_templates,
    )
    from inventory_pipeline.settings import load_settings

    settings = load_settings(settings_path)
    written = write_templates(templates(settings, in_organization=organization), out)
    for path in written:
        click.echo(path)
    click.echo(f"the member role allows {len(needed_actions(settings))} actions")
    sometimes = [f"{name}.{form}" for name in (f"{READER}-*", CONFIGURATOR) for form in FORMS]
    earlier = sorted({path for name in sometimes for path in out.glob(name)} - {*written})
    for line in [
        *notices(settings),
        *(f"{path} is of earlier settings: take its stack down and delete it" for path in earlier),
    ]:
        click.echo(line, err=True)
