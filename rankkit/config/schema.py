"""The JSON Schema of config files, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from rankkit.config.kinds import SPECS, AnySpec
from rankkit.core.usage import Budget


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. A table that says no ``paradigm`` fits more than one kind, so any of them will do."""
    schema = _any_of(TypeAdapter[Any](AnySpec).json_schema())
    for spec in SPECS.values():
        table = schema["$defs"][spec.__name__]
        table["properties"]["include"] = {
            "type": "string",
            "description": "take over the settings of this file, whose path is relative to this one",
        }
        if "required" in table:  # what is required may stand in the file that is included
            table["anyOf"] = [{"required": table.pop("required")}, {"required": ["include"]}]
    for limit in schema["$defs"][Budget.__name__]["properties"].values():
        limit["anyOf"][0]["minimum"] = 0
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "rankkit config", **schema}


def _any_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {("anyOf" if key == "oneOf" else key): _any_of(item) for key, item in value.items()}
    return [_any_of(item) for item in value] if isinstance(value, list) else value
