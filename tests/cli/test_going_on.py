"""Whoever ends a long command is told how to go on."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from rankkit.cli.going_on import says_how_to_go_on
from rankkit.errors import StoreError

WORDS = "the same command goes on from there"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_its_number_and_the_words(number, capsys):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, says_how_to_go_on():
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number
    assert WORDS in capsys.readouterr().err
    assert signal.getsignal(number) == before


def test_so_does_ctrl_c(capsys):
    with pytest.raises(KeyboardInterrupt), says_how_to_go_on():
        raise KeyboardInterrupt
    assert WORDS in capsys.readouterr().err


@pytest.mark.parametrize("ranked", [True, False])
def test_an_error_is_followed_by_the_words_where_something_was_ranked(ranked, capsys):
    seen = []
    with pytest.raises(StoreError), says_how_to_go_on() as going:
        if ranked:
            going.watched(seen.append)("one query")
        raise StoreError("the disk is full")
    assert (WORDS in capsys.readouterr().err) == ranked == bool(seen)


def test_in_another_thread_signals_are_left_as_they_are():
    found = []

    def run() -> None:
        with says_how_to_go_on() as going:
            found.append(going)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found
