"""JSON that can stand inside a page, whatever its texts hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


def safe_json(value: object) -> str:
    """Compact JSON in one line that ends no ``<script>``, begins no comment and holds no lone surrogate. A figure that
    is not finite becomes ``null``.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    for character in "<>&\u2028\u2029\x7f":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode("utf-8")


def _finite(value: object) -> object:
    """The same value, with ``None`` for NaN and infinities, and plain dictionaries and lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
