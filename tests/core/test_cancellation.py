"""A switch that any thread may turn, and what it ends."""

from __future__ import annotations

import threading

import pytest

from rankkit.core.cancellation import Cancellation, current, enclosing
from rankkit.errors import Cancelled


def test_what_runs_is_ended_once():
    switch, ended = Cancellation(), []
    with pytest.raises(Cancelled), switch.ended_by(lambda: ended.append("stopped")):
        switch.cancel()
        switch.cancel()
        assert ended == ["stopped"]
        raise OSError("the native call was ended")
    assert switch.cancelled


def test_a_switch_that_was_turned_lets_nothing_begin():
    switch = Cancellation()
    switch.cancel()
    with pytest.raises(Cancelled), switch.ended_by(lambda: None):
        raise AssertionError("never reached")


def test_an_error_that_nobody_asked_for_stays_itself():
    with pytest.raises(OSError, match="broken"), Cancellation().ended_by(lambda: None):
        raise OSError("broken")


def test_after_the_call_there_is_nothing_to_end():
    switch, ended = Cancellation(), []
    with switch.ended_by(lambda: ended.append("late")):
        pass
    switch.cancel()
    assert ended == []


def test_a_child_is_turned_with_its_parent_and_not_the_other_way_round():
    parent = Cancellation()
    child, sibling = Cancellation(parent), Cancellation(parent)
    child.cancel()
    assert child.cancelled and not parent.cancelled and not sibling.cancelled
    parent.cancel()
    assert sibling.cancelled


def test_a_closed_child_is_left_alone():
    parent = Cancellation()
    child = Cancellation(parent)
    child.close()
    parent.cancel()
    assert not child.cancelled


def test_the_current_one_belongs_to_a_thread():
    switch, seen = Cancellation(), []
    with switch.active():
        thread = threading.Thread(target=lambda: seen.append(enclosing()))
        thread.start()
        thread.join()
        assert current() is switch
    assert seen == [None] and enclosing() is None
    assert not current().cancelled
