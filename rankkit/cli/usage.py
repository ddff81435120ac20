"""A command line becomes the call of a command, or an error that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import BoundArguments

from cyclopts import App, Argument, ArgumentCollection, CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnknownCommandError, UnknownOptionError, UnusedCliTokensError
from rich.console import Console

from rankkit.errors import ConfigError, nearest

_END = "--"


def parse(app: App, arguments: Sequence[str], console: Console) -> tuple[Callable[..., object], BoundArguments]:
    """The command that is meant, and what it is called with. Help and the version go to the console.

    Raises:
        ConfigError: there is no such command or option, a value is missing, or is not what the option takes.
    """
    try:
        command, bound, _ = app.parse_args(arguments, console=console, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise _in_words(error) from error
    _refuse_options(app, arguments, bound)
    return command, bound


def _refuse_options(app: App, arguments: Sequence[str], bound: BoundArguments) -> None:
    """Where a file may be ``-``, the library takes any word with a dash for a file; only those after ``--`` are."""
    words = [word for word in bound.args if isinstance(word, str)]
    free = len(arguments) - arguments.index(_END) - 1 if _END in arguments else 0
    for word in words[: len(words) - free]:
        if word.startswith("-") and word != "-":
            _, apps, _ = app.parse_commands(arguments)
            with app.app_stack(apps):
                raise _no_option(word, apps[-1].assemble_argument_collection())


def _in_words(error: CycloptsError) -> ConfigError:
    chain = " ".join(["rankkit", *(error.command_chain or ())])
    hint = f"{chain} --help says what it takes."
    match error:
        case UnknownOptionError():
            return _no_option(error.token.keyword or error.token.value, error.argument_collection)
        case UnknownCommandError(unused_tokens=[str(word), *_]):
            if word.startswith("-"):
                return ConfigError(f"{chain} has no option {word}", hint=hint)
            known = [name for name in error.app or () if not name.startswith("-")]
            return ConfigError(f"there is no command {word!r}", hint=nearest(word, known))
        case UnusedCliTokensError(unused_tokens=[*words]):
            return ConfigError(f"{chain} does not take {' '.join(map(repr, words))}", hint=hint)
        case MissingArgumentError(argument=missing) if missing is not None:
            return _missing(error, missing, hint)
    return ConfigError(str(error), hint=hint)


def _missing(error: MissingArgumentError, missing: Argument, hint: str) -> ConfigError:
    given = error.keyword or next((token.keyword for token in missing.tokens if token.keyword), None)
    if given is not None:
        return ConfigError(f"{given} needs a value", hint=hint)
    # What is missing may only be misspelt.
    strange = next((word for word in error.unused_tokens or () if word.startswith("-") and word != "-"), None)
    if strange is not None and error.app is not None:
        return _no_option(strange, error.app.assemble_argument_collection())
    name = missing.name if missing.name.startswith("-") else missing.name.upper()
    return ConfigError(f"{name} is missing", hint=hint)


def _no_option(word: str, known: ArgumentCollection) -> ConfigError:
    names: Iterable[str] = (name for one in known for name in one.names if name.startswith("--"))
    name = word.partition("=")[0]
    return ConfigError(f"there is no option {name}", hint=nearest(name, [*names, "--help"]))
