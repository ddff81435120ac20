"""Config files: read, with what they include, and with their relative paths made whole."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from rankkit.errors import ConfigError, UnknownModel
from rankkit.models import catalogue

SUFFIXES = (".toml", ".json")


def check_name(path: str | Path) -> None:
    """Refuse what by its name is no config file.

    Raises:
        ConfigError: says how one is called.
    """
    if Path(path).suffix not in SUFFIXES:
        raise ConfigError(f"{path} is no config file", hint="Its name must end in .toml or .json.")


def read_file(path: Path) -> dict[str, object]:
    """The settings of a file, those of the files that it includes taken over.

    ``include = "other.toml"`` in any table is that file's table, whose keys those beside it override. Paths (of
    models, prompts, a corpus, included files) are relative to the file in which they are written.

    Raises:
        ConfigError: a file is not there, cannot be read, or includes itself, by way of others or not.
    """
    return _expanded(_read(path), path, (path,), "")


def _expanded(table: Mapping[str, object], file: Path, chain: tuple[Path, ...], key: str) -> dict[str, object]:
    own = {name: _inside(value, file, chain, f"{key}{name}") for name, value in table.items()}
    own = _with_whole_paths(own, file.parent)
    if "include" not in own:
        return own
    included = own.pop("include")
    where = f"{file}: {key}include"
    if not isinstance(included, str):
        raise ConfigError(f"{where}: the path of a file is wanted (seen: {type(included).__name__})")
    target = file.parent / included
    if target.resolve() in [link.resolve() for link in chain]:
        names = " includes ".join(str(link) for link in (*chain, target))
        raise ConfigError(f"{where}: a cycle: {names}", hint="Take one of these includes out.")
    if target.suffix not in SUFFIXES or not target.is_file():
        raise ConfigError(f"{where}: there is no config file {target}", hint="Paths are relative to the file.")
    return {**_expanded(_read(target), target, (*chain, target), ""), **own}


def _inside(value: object, file: Path, chain: tuple[Path, ...], key: str) -> object:
    """Expand the specs inside a spec: stages, members, and a stage's stand-in."""
    name = key.rpartition(".")[2]
    if name in ("stages", "members") and isinstance(value, list):
        return [
            _expanded(each, file, chain, f"{key}.{number}.") if isinstance(each, Mapping) else each
            for number, each in enumerate(value, start=1)
        ]
    if name == "on_failure" and isinstance(value, Mapping):
        return _expanded(value, file, chain, f"{key}.")
    return value


def _with_whole_paths(table: dict[str, object], folder: Path) -> dict[str, object]:
    model, prompt = table.get("model"), table.get("prompt")
    if isinstance(model, str) and "endpoint" not in table and _is_path(model, folder):
        table["model"] = _whole(folder, model)
    if isinstance(prompt, str) and prompt.endswith(".toml"):
        table["prompt"] = _whole(folder, prompt)
    first = table.get("first_stage")
    if isinstance(first, Mapping):
        paths = {key: _whole(folder, path) for key in ("corpus", "index") if isinstance(path := first.get(key), str)}
        table["first_stage"] = {**first, **paths}
    return table


def _is_path(model: str, folder: Path) -> bool:
    """As ``store.locate`` has it: a catalogue name comes first, and ``./name`` is always a path."""
    if model.startswith("~") or Path(model).is_absolute():
        return False
    if model.startswith("."):
        return True
    try:
        catalogue.find(model)
    except UnknownModel:
        return (folder / model).exists() or model.endswith(".gguf")
    return False


def _whole(folder: Path, path: str) -> str:
    return path if path.startswith("~") else str((folder / path).resolve())


def _read(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise ConfigError(f"there is no config file {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {_words(error)}", hint="It must be TOML or JSON, as its name says."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds {type(data).__name__}, not a table of settings")
    return data


def _words(error: Exception) -> str:
    """An error about bytes would repeat them, and a file may hold what is not to be shown."""
    return f"not UTF-8 at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
