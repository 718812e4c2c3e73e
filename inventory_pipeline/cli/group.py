"""A click group that imports a command on demand and turns any error into one line."""

import errno
import importlib
from collections.abc import Mapping
from typing import Any

import click

from inventory_pipeline.cli.safe import safe

PARTIAL = 3
"""Exit code of a command that did its work, but not all of it."""

_DEBUG = f"{__name__}.debug"


def _remember_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True


DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    expose_value=False,
    callback=_remember_debug,
    help="Show the traceback of an error.",
)


class LazyGroup(click.Group):
    """Commands by name -> `module:attribute` within this package."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        module, _, attribute = self._modules[cmd_name].partition(":")
        loaded = importlib.import_module(f"inventory_pipeline.cli.{module}")
        return _with_debug(getattr(loaded, attribute))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # whatever it is, a user sees one line, not a traceback
            broken_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
            if broken_pipe or ctx.meta.get(_DEBUG):
                raise
            raise click.ClickException(told(error)) from error


def _with_debug(command: click.Command) -> click.Command:
    """`--debug` is taken at the end of the line as well, where one adds it after an error."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _with_debug(inner)
    if DEBUG not in command.params:
        command.params.append(DEBUG)
    return command


def told(error: BaseException) -> str:
    """What an error says; a message that is Python's own or a library's gets its type's name."""
    lines = [safe(line.strip()) for line in str(error).splitlines() if line.strip()]
    if lines and type(error).__module__.startswith("inventory_pipeline."):
        return "\n".join(lines)
    return f"{': '.join([type(error).__name__, *lines[:1]])} (--debug shows where)"
