"""All commands together, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer
from rich.markup import escape

from rankkit import __version__
from rankkit.cli import demo, doctor, evaluate, plan, rerank, search
from rankkit.cli.config import config_app
from rankkit.cli.models import models_app
from rankkit.cli.output import stderr, write_json
from rankkit.cli.prompts import prompts_app
from rankkit.errors import RankkitError

#: The base of all usage errors. Typer exports its children only, and not always from the same click.
_USAGE_ERROR = cast(
    type[Exception], next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
)

app = typer.Typer(name="rankkit", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("rerank")(rerank.rerank)
app.command("search")(search.search)
app.command("eval")(evaluate.evaluate)
app.command("plan")(plan.plan)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(config_app, name="config")
app.add_typer(models_app, name="models")
app.add_typer(prompts_app, name="prompts")


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Rerank search results with any model."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code. With ``--json`` an error is an object on stdout too."""
    # The commands say in their own words what the log would; without this Python would print its warnings as well.
    logging.getLogger("rankkit").addHandler(logging.NullHandler())
    try:
        code = app(args=list(arguments), standalone_mode=False)
    except RankkitError as error:
        _tell(error, as_json="--json" in arguments)
        return error.exit_code
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away (`rankkit ... | head`); point stdout elsewhere so that the interpreter does not trip
        # over it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _USAGE_ERROR as error:
        error.show()  # type: ignore[attr-defined]  # wrong options: the command-line library words its own errors
        return 2
    return code if isinstance(code, int) else 0


def _tell(error: RankkitError, *, as_json: bool) -> None:
    console = stderr()
    console.print(f"[bold red]error:[/] {escape(error.message)}", highlight=False, soft_wrap=True)
    if error.hint:
        console.print(f"  {escape(error.hint)}", highlight=False, soft_wrap=True)
    if as_json:
        write_json({"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}})
