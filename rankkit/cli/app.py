"""All commands together, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from inspect import BoundArguments

from rich.text import Text

from rankkit import __version__
from rankkit.cli.output import stderr, write_json
from rankkit.cli.parameters import branch
from rankkit.cli.terminal import NotWritten, ReaderGone, SafeConsole, abandon, finish, prepare
from rankkit.cli.usage import parse
from rankkit.errors import RankkitError

#: Imported when they are asked for: a command waits for nothing that another one needs.
_COMMANDS = {
    "rerank": "rankkit.cli.rerank:rerank",
    "search": "rankkit.cli.search:search",
    "eval": "rankkit.cli.evaluate:evaluate",
    "calibrate": "rankkit.cli.calibrate:calibrate",
    "compare": "rankkit.cli.compare:compare",
    "tune": "rankkit.cli.tune:tune",
    "plan": "rankkit.cli.plan:plan",
    "serve": "rankkit.cli.serve:serve",
    "mcp": "rankkit.cli.mcp:mcp",
    "demo": "rankkit.cli.demo:demo",
    "doctor": "rankkit.cli.doctor:doctor",
}
_BRANCHES = {
    "config": "rankkit.cli.config:config_app",
    "data": "rankkit.cli.data:data_app",
    "models": "rankkit.cli.models:models_app",
    "prompts": "rankkit.cli.prompts:prompts_app",
    "runs": "rankkit.cli.runs:runs_app",
}

app = branch("rankkit", "Rerank search results with any model.")
app.version = __version__
app.version_flags = ["--version"]
for _place, (_name, _command) in enumerate(_COMMANDS.items()):
    app.command(_command, name=_name, sort_key=_place, version_flags=[])
for _place, (_name, _branch) in enumerate(_BRANCHES.items(), len(_COMMANDS)):
    app.command(_branch, name=_name, sort_key=_place)

#: What comes after ``rankkit``.
COMMANDS = (*_COMMANDS, *_BRANCHES)


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
    return code


def _run(arguments: list[str]) -> int:
    try:
        command, bound = parse(app, arguments, SafeConsole("stdout"))
        if command == app.help_print:
            return _help(bound, asked="--help" in arguments)
        command(*bound.args, **bound.kwargs)
    except RankkitError as error:
        _show_error(error, as_json="--json" in arguments)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _help(bound: BoundArguments, *, asked: bool) -> int:
    if not bound.arguments["tokens"]:
        # The list of all commands has a line of each, which stands in their modules.
        for name in COMMANDS:
            app[name]
    app.help_print(*bound.args, **bound.kwargs)
    return 0 if asked else 2


def _show_error(error: RankkitError, *, as_json: bool) -> None:
    console = stderr()
    console.print(Text.assemble(("error:", "bold red"), " ", error.message), soft_wrap=True)
    if error.hint:
        console.print(f"  {error.hint}", soft_wrap=True)
    if as_json:
        write_json({"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}})
