"""Whatever somebody has in metadata becomes JSON."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath

import numpy as np
import pytest

from rankkit.data.plain import plain


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float32("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.str_("x"), "x"),
        (Decimal("1.10"), "1.10"),
        (datetime(2020, 1, 2, 3, 4, tzinfo=UTC), "2020-01-02T03:04:00+00:00"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        ({"b", "a"}, ["a", "b"]),
        ((1, (2,)), [1, [2]]),
        ({1: "a", None: "b", ("x", 2): "c"}, {"1": "a", "None": "b", "['x', 2]": "c"}),
        (Colour.RED, "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (range(2), [0, 1]),
    ],
)
def test_values_of_any_type(value, shown):
    assert plain({"x": value}) == {"x": shown}
    json.dumps(plain(value), allow_nan=False)


def test_what_holds_itself_ends():
    loop: list[object] = [1]
    loop += [loop, loop]
    assert json.dumps(plain(loop))
