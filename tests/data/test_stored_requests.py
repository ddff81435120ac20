"""Requests of a large file are read when they are needed, and are the same as those of a small one."""

from __future__ import annotations

import pytest

from rankkit.data import datasets
from rankkit.data.datasets import load_dataset
from rankkit.data.stored_requests import StoredRequests


@pytest.fixture
def stored(fleas, monkeypatch):
    kept = load_dataset(fleas)
    monkeypatch.setattr(datasets, "_KEPT_BYTES", 0)
    return kept, load_dataset(fleas)


def test_a_large_file_stays_where_it_is(stored):
    kept, left = stored
    assert isinstance(left.requests, StoredRequests) and isinstance(kept.requests, tuple)
    assert tuple(left.requests) == kept.requests == tuple(left.requests)
    assert len(left.requests) == len(kept.requests) and left.first_stage == kept.first_stage


def test_it_is_a_sequence(stored):
    kept, left = stored
    assert left.requests[0] == kept.requests[0] and left.requests[-1] == kept.requests[-1]
    assert left.requests[:2] == kept.requests[:2] and left.requests[::-1] == kept.requests[::-1]
    with pytest.raises(IndexError):
        left.requests[len(kept.requests)]


def test_limit_and_depth_hold(fleas, monkeypatch):
    monkeypatch.setattr(datasets, "_KEPT_BYTES", 0)
    data = load_dataset(fleas, limit=1, depth=2)
    assert [(request.query.id, len(request)) for request in data.requests] == [("q1", 2)]
