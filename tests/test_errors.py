"""Every error is in the tree, keeps its hint through a process pool, and has an exit code."""

from __future__ import annotations

import inspect
import pickle

import pytest

from rankkit import errors
from rankkit.errors import RankkitError, nearest

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RankkitError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_what_and_what_next_and_survives_pickling(kind):
    error = pickle.loads(pickle.dumps(kind("seen 3, allowed 2", hint="Give 2.")))
    assert type(error) is kind
    assert str(error) == "seen 3, allowed 2\n  Give 2."
    assert str(kind("no hint")) == "no hint"
    assert 1 <= kind.exit_code <= 6


def test_the_tree_at_the_top_of_the_file_names_every_error():
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in errors.__doc__] == []


def test_the_nearest_names_are_told():
    assert nearest("slidng", ["sliding", "heapsort"]) == "Did you mean sliding?"
    assert nearest("zzz", ["b", "a"]) == "Known: a, b."
    assert nearest("zzz", []) == "None is known."
