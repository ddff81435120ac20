import os

import pytest

from rankkit.backends.gguf.waiting import loaded_before, problem, waits_briefly


@pytest.fixture
def no_settings(monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)


def test_the_setting_is_there_for_the_import_only(no_settings):
    with waits_briefly():
        assert os.environ["GOMP_SPINCOUNT"] == "1000"
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize(("name", "value"), [("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "active")])
def test_what_the_user_set_is_left_alone(no_settings, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with waits_briefly():
        assert {key: os.environ.get(key) for key in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")} == {
            "GOMP_SPINCOUNT": None,
            "OMP_WAIT_POLICY": None,
            name: value,
        }
    assert os.environ[name] == value


@pytest.mark.parametrize(
    ("environment", "too_late", "words"),
    [
        ({}, False, ""),
        ({}, True, "OpenMP was loaded before"),
        ({"OMP_WAIT_POLICY": "passive"}, True, ""),
        ({"OMP_WAIT_POLICY": " ACTIVE "}, False, "OMP_WAIT_POLICY=active makes"),
        ({"GOMP_SPINCOUNT": "infinity"}, False, "GOMP_SPINCOUNT=infinity makes"),
        ({"GOMP_SPINCOUNT": "30g"}, False, "GOMP_SPINCOUNT=30g makes"),
        ({"GOMP_SPINCOUNT": "1000"}, True, ""),
        ({"GOMP_SPINCOUNT": "10k"}, False, ""),
        ({"GOMP_SPINCOUNT": "nonsense"}, False, ""),
        ({"OMP_PROC_BIND": "true"}, False, "OMP_PROC_BIND ties"),
        ({"OMP_PROC_BIND": "false"}, False, ""),
        ({"GOMP_CPU_AFFINITY": "0-1"}, False, "GOMP_CPU_AFFINITY ties"),
    ],
)
def test_wrong_settings_are_told_in_words(environment, too_late, words):
    told = problem(environment, too_late=too_late)
    assert told.startswith(words) if words else told == ""


def test_a_library_that_was_loaded_before_is_found(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text("7f00-7f01 r-xp 00000000 fe:01 1  /usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0\n7f02 r-xp x\n")
    assert loaded_before(maps)
    maps.write_text("7f00-7f01 r-xp 00000000 fe:01 1  /venv/torch/lib/libgomp-a34b3233.so.1\n")
    assert not loaded_before(maps), "a package's own copy is another library"
    assert not loaded_before(tmp_path / "none")
