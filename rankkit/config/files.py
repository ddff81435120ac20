"""Config files: read, with what they include, and with their relative paths made whole."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rankkit.config.bounds import DEEPEST, LARGEST_FILE, MOST_FILES, check_values
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

    ``include = "other.toml"`` in any table is that file's table, whose keys those beside it override; tables inside it
    (a budget, say) are put together key by key in the same way, lists are replaced. Paths (of models, prompts, a
    corpus, included files) are relative to the file in which they are written.

    Raises:
        ConfigError: a file is not there, cannot be read, or includes itself, by way of others or not; or there are too
            many, or they are too large or too deep (``bounds``).
    """
    return _Reading().expanded(_read(path), path, (path,), "")


@dataclass
class _Reading:
    """One config, with all files that it is made of."""

    files: int = 1

    def expanded(self, table: Mapping[str, object], file: Path, chain: tuple[Path, ...], key: str) -> dict[str, object]:
        own = {name: self._inside(value, file, chain, f"{key}{name}") for name, value in table.items()}
        own = _with_whole_paths(own, file.parent)
        if "include" not in own:
            return own
        target = self._target(own.pop("include"), file, chain, f"{file}: {key}include")
        return _merged(self.expanded(_read(target), target, (*chain, target), ""), own)

    def _target(self, included: object, file: Path, chain: tuple[Path, ...], where: str) -> Path:
        """The file that is included."""
        if not isinstance(included, str):
            raise ConfigError(f"{where}: the path of a file is wanted (seen: {type(included).__name__})")
        target = file.parent / included
        if "\0" in included or target.suffix not in SUFFIXES or not target.is_file():
            raise ConfigError(
                f"{where}: there is no config file {str(target)!r}", hint="Paths are relative to the file."
            )
        if target.resolve() in [link.resolve() for link in chain]:
            names = " includes ".join(str(link) for link in (*chain, target))
            raise ConfigError(f"{where}: a cycle: {names}", hint="Take one of these includes out.")
        self.files += 1
        if self.files > MOST_FILES or len(chain) >= DEEPEST:
            raise ConfigError(
                f"{where}: more than {MOST_FILES} files, or {DEEPEST} that include one another",
                hint="Include fewer: a config is a handful of files.",
            )
        return target

    def _inside(self, value: object, file: Path, chain: tuple[Path, ...], key: str) -> object:
        """Expand the specs inside a spec: stages, members, and a stage's fallback."""
        name = key.rpartition(".")[2]
        if name in ("stages", "members", "systems") and isinstance(value, list):
            return [
                self.expanded(each, file, chain, f"{key}.{number}.") if isinstance(each, Mapping) else each
                for number, each in enumerate(value, start=1)
            ]
        if name == "on_failure" and isinstance(value, Mapping):
            return self.expanded(value, file, chain, f"{key}.")
        return value


def _merged(included: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Both, table by table; where both say something, ``own`` wins."""
    merged = {**included, **own}
    for key in included.keys() & own.keys():
        theirs, ours = included[key], own[key]
        if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
            merged[key] = _merged(theirs, ours)
    return merged


def _with_whole_paths(table: dict[str, object], folder: Path) -> dict[str, object]:
    model, prompt = table.get("model"), table.get("prompt")
    if isinstance(model, str) and not {"endpoint", "api"} & table.keys() and _is_path(model, folder):
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
    hint = "It must be TOML or JSON in UTF-8, as its name says."
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ConfigError(f"{path} has more than {LARGEST_FILE} bytes", hint="No config of rankkit needs as many.")
        text = data.decode("utf-8-sig")
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ConfigError(f"{path} cannot be read: it is nested too deeply", hint=hint) from None
    except ValueError as error:  # of TOML, of JSON, of UTF-8, and of numbers that Python finds too long
        raise ConfigError(f"{path} cannot be read: {_words(error)}", hint=hint) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    if not isinstance(table, dict):
        raise ConfigError(f"{path} holds {type(table).__name__}, not a table of settings")
    check_values(table, str(path))
    return table


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """TOML refuses a key that is there twice; of JSON Python would take the last in silence."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return table


def _words(error: ValueError) -> str:
    """An error about bytes would repeat them, and a file may hold what is not to be shown."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    known = isinstance(error, tomllib.TOMLDecodeError | json.JSONDecodeError)
    return str(error) if known or "twice" in str(error) else "a number in it is too long"
