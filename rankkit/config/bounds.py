"""Config files are other people's files: how large and how deep what is read from one may be."""

from __future__ import annotations

from collections.abc import Mapping

from rankkit.errors import ConfigError

#: Bytes of one file. A long one by hand has some thousands.
LARGEST_FILE = 1 << 20
#: Tables and lists inside one another, and files that include one another.
DEEPEST = 32
#: Files that a config may be made of.
MOST_FILES = 100
#: What TOML calls a whole number, and whatever reads one on the way can hold.
_LARGEST_NUMBER = 2**63


def check_values(data: object, where: str) -> None:
    """Refuse what no config needs and what would end in the interpreter's own limits.

    Raises:
        ConfigError: tables nested too deeply, or a whole number of more than 64 bits.
    """
    level: list[object] = [data]
    for _ in range(DEEPEST + 1):
        level = [inner for value in level for inner in _inside(value)]
        for number in level:
            if isinstance(number, int) and not -_LARGEST_NUMBER <= number < _LARGEST_NUMBER:
                raise ConfigError(f"{where} holds a whole number of more than 64 bits", hint="No key takes one.")
        if not level:
            return
    raise ConfigError(
        f"{where} has tables or lists nested more than {DEEPEST} deep", hint="No config of rankkit needs as many."
    )


def _inside(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []
