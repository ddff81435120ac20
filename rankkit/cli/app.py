"""All commands together, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, cast

import typer
from rich.text import Text

from rankkit import __version__
from rankkit.cli import demo, doctor, evaluate, plan, rerank, search
from rankkit.cli.config import config_app
from rankkit.cli.models import models_app
from rankkit.cli.output import remark, say, stderr, write_json
from rankkit.cli.prompts import prompts_app
from rankkit.cli.terminal import FULL, NotWritten, ReaderGone, abandon, finish, prepare, visible
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
        say(__version__)
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code. With ``--json`` an error is an object on stdout too."""
    # The commands say in their own words what the log would; without this Python would print its warnings as well.
    logging.getLogger("rankkit").addHandler(logging.NullHandler())
    prepare()
    try:
        code = _run(list(arguments))
        finish()
    except ReaderGone:
        abandon()
        return 0
    except NotWritten:
        abandon()
        return 1
    except OSError as error:
        # Help and usage are printed by the command-line library itself.
        if error.errno not in FULL:
            raise
        abandon()
        remark(f"standard output cannot be written: {error.strerror}")
        return 1
    return code


def _run(arguments: list[str]) -> int:
    try:
        code = app(args=arguments, standalone_mode=False)
    except RankkitError as error:
        _show_error(error, as_json="--json" in arguments)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except SystemExit as ended:
        # The command-line library's own way of noticing that nobody reads its help any more.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ReaderGone from ended
        raise
    except _USAGE_ERROR as error:
        # Wrong options: the command-line library words its own errors, and repeats what was given.
        error.message = visible(error.message)  # type: ignore[attr-defined]
        error.show()  # type: ignore[attr-defined]
        return 2
    return code if isinstance(code, int) else 0


def _show_error(error: RankkitError, *, as_json: bool) -> None:
    console = stderr()
    console.print(Text.assemble(("error:", "bold red"), " ", error.message), soft_wrap=True)
    if error.hint:
        console.print(f"  {error.hint}", soft_wrap=True)
    if as_json:
        write_json({"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}})
