"""``rankkit config``: config files looked at, without opening a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rankkit.cli.output import say, stderr, write_json
from rankkit.cli.parameters import AsJson, argument, branch
from rankkit.config.files import check_name
from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.spec import naming

config_app = branch("config", "Check, show and describe config files.")

File = Annotated[Path, argument(help="A config file (.toml, .json).")]


@config_app.command
def check(file: File, /, *, as_json: AsJson = False) -> None:
    """Tell whether a file can be built: its keys, what it includes, and the models that it names."""
    from rankkit.config.checking import check_models, walk

    spec = _read(file)
    with naming(str(file)):
        notes = check_models(spec)
    if as_json:
        write_json({"file": str(file), "kind": spec.paradigm, "rerankers": len(list(walk(spec))), "notes": notes})
        return
    say(f"{file}: {spec.paradigm}, nothing wrong")
    for note in notes:
        stderr().print(note, style="yellow", soft_wrap=True)


@config_app.command
def show(file: File, /, *, as_json: AsJson = False) -> None:
    """Print a file as rankkit reads it: includes taken over, paths whole, defaults left out."""
    from rankkit.config.writing import as_table, as_toml

    spec = _read(file)
    if as_json:
        write_json(as_table(spec))
    else:
        say(as_toml(spec).rstrip("\n"))


@config_app.command
def schema(*, as_json: AsJson = False) -> None:
    """Print the JSON Schema of config files, for editors. It is JSON with and without --json."""
    from rankkit.config.schema import json_schema

    write_json(json_schema())


def _read(file: Path) -> Spec:
    check_name(file)
    return read_spec(file)
