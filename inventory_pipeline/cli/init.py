"""`inventory init`: a commented settings file to start from."""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="inventory.yaml")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def init(path: Path, force: bool) -> None:
    """Write a commented settings file (inventory.yaml).

    \b
    Examples:
      inventory init
      inventory init config/inventory.yaml --force
    """
    from inventory_pipeline.settings.template import settings_template

    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(settings_template())
    except FileExistsError:
        raise click.ClickException(f"{path} exists: edit it, or overwrite it by --force") from None
    except FileNotFoundError:
        raise click.ClickException(f"there is no folder {path.parent}: make it first") from None
    click.echo(f"{path} written: name your accounts in it, then run `inventory collect`")
