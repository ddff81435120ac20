"""What ``rankkit doctor`` says where something is wrong: in words, and never with a traceback."""

from __future__ import annotations

import importlib.metadata
from email.message import Message

import pytest

from rankkit.backends.gguf.safety import LlamaFacts
from rankkit.cli import doctor
from rankkit.core.extras import DISTRIBUTION
from rankkit.errors import BackendError, MissingExtra, StoreError


def test_no_home_is_told(monkeypatch):
    def nobody() -> None:
        raise StoreError("no home folder")

    monkeypatch.setattr(doctor, "home", nobody)
    monkeypatch.setattr(doctor.store, "pulled", nobody)
    facts = doctor.examine()
    assert "Set RANKKIT_HOME" in str(facts["store"])
    assert str(facts["models"]).startswith("['cannot be read")


def test_the_real_thing_without_a_home(monkeypatch, tmp_path):
    import pwd

    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "RANKKIT_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert "RANKKIT_HOME" in str(doctor.examine()["store"])


def test_threads_that_spin_are_a_danger(monkeypatch):
    monkeypatch.setattr(doctor, "diagnose", lambda: LlamaFacts("1", "", amx=False, avoidable=True, waiting="they spin"))
    assert doctor.examine()["dangers"] == ["they spin"]
    monkeypatch.setattr(doctor, "diagnose", lambda: LlamaFacts("1", "", amx=True, avoidable=True, waiting="they spin"))
    assert len(doctor._dangers()) == 2


@pytest.mark.parametrize(("error", "dangers"), [(MissingExtra("x"), []), (BackendError("broken"), ["broken"])])
def test_a_missing_extra_is_no_danger_and_a_broken_one_is(monkeypatch, error, dangers):
    def fail() -> None:
        raise error

    monkeypatch.setattr(doctor, "diagnose", fail)
    assert doctor._dangers() == dangers


def test_a_checkout_that_was_never_installed(monkeypatch):
    def unknown(_: str) -> None:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "metadata", unknown)
    assert DISTRIBUTION in doctor.examine()["extras"]["unknown"]


def test_an_extra_lacks_what_is_not_here_or_too_old_once_and_only_on_this_python(monkeypatch):
    about = Message()
    lines = (
        "numpy>=1.26",
        "absent-package>=1; extra == 'one'",
        "absent-package>=2; python_version >= '3' and extra == 'one'",
        "another-package; python_version < '3' and extra == 'one'",
        "numpy>=9999; extra == 'two'",
        "numpy>=1.26; extra == 'three'",
    )
    for line in lines:
        about["Requires-Dist"] = line
    for extra in ("one", "two", "three"):
        about["Provides-Extra"] = extra
    monkeypatch.setattr(importlib.metadata, "metadata", lambda _: about)
    extras = doctor.examine()["extras"]
    assert extras["one"] == "pip install 'rankkit-rerank[one]'  (lacks absent-package)"
    assert extras["two"].endswith("is not >=9999)") and extras["three"] == "installed"


def test_no_line_names_somebody_elses_package():
    words = doctor._words(doctor.examine())
    assert "pip install 'rankkit[" not in words and "pip install rankkit " not in words
