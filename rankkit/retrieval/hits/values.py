"""Mappings, whatever a client calls them, and rows of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rankkit.core.documents import ID_KEYS
from rankkit.errors import InputError
from rankkit.retrieval.hits.paths import is_absent


def as_mapping(value: object) -> dict[str, object] | None:
    """What a mapping holds, or an object that can say it: a pydantic model, a named tuple, a row of SQLAlchemy or
    asyncpg. ``None`` for anything else. The value itself stays as it is.
    """
    if isinstance(value, Mapping):
        return {str(name): one for name, one in value.items()}
    inner = getattr(value, "_mapping", None)  # SQLAlchemy
    if isinstance(inner, Mapping):
        return as_mapping(inner)
    for name in ("model_dump", "_asdict", "to_dict", "dict"):
        method = getattr(value, name, None)
        if callable(method) and isinstance(found := method(), Mapping):
            return as_mapping(found)
    if callable(keys := getattr(value, "keys", None)) and hasattr(value, "__getitem__"):  # asyncpg, sqlite3
        return {str(name): value[name] for name in keys()}
    return None


def as_rows(results: object) -> list[object]:
    """The rows of a result: a list, a query that has not run, a table of pyarrow, polars or pandas.

    Raises:
        InputError: it is nothing with rows.
    """
    for name in ("to_pylist", "to_dicts", "to_list"):  # pyarrow, polars, queries of LanceDB
        if callable(method := getattr(results, name, None)):
            return list(method())
    if callable(to_dict := getattr(results, "to_dict", None)) and hasattr(results, "columns"):  # pandas
        return list(to_dict("records"))
    if isinstance(results, str | bytes | Mapping) or not isinstance(results, Iterable):
        raise InputError(
            f"results are a list of rows, not one {type(results).__name__}", hint="Put one row into a list."
        )
    return list(results)


def own_id(fields: Mapping[str, object]) -> str | None:
    """The name of the field that is an id, where one is called so."""
    return next((name for name in ID_KEYS if not is_absent(fields.get(name))), None)


def attribute(value: object, name: str) -> object:
    """A field of an object or of a mapping; ``None`` where it has none."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
