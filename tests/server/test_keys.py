"""Keys: how they are read, and when a file is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rankkit.errors import ConfigError
from rankkit.server.keys import KeyFile, keys_from, read_keys


def test_keys_have_names():
    text = "# comment\n\nsearch: sesame-one \nsesame-two\nshop:with:colons-in-it\n"
    assert read_keys(text, "it") == {"search": "sesame-one", "key-2": "sesame-two", "shop": "with:colons-in-it"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "short\n",
        "a:sesame-one\na:sesame-two\n",
        "na me:sesame-one\n",
        "x:has a space\n",
        "x:s\u00e9same-one",
    ],
)
def test_what_is_no_key_is_an_error_that_does_not_show_it(text):
    with pytest.raises(ConfigError) as caught:
        read_keys(text, "FILE")
    assert "FILE" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("sesame", "short", "space"))


def test_a_file_is_read_again_when_it_changes(tmp_path, caplog):
    path = tmp_path / "keys"
    path.write_text("one:sesame-one\n")
    keys = KeyFile(path)
    assert (keys.name_of("sesame-one"), keys.name_of("sesame-two")) == ("one", None)
    write(path, "two:sesame-two\n")
    assert (keys.name_of("sesame-one"), keys.name_of("sesame-two")) == (None, "two")
    write(path, "short\n")
    assert keys.name_of("sesame-two") == "two", "a file that is wrong changes nothing"
    path.unlink()
    assert keys.name_of("sesame-two") == "two"
    write(path, "")
    assert keys.name_of("sesame-two") is None, "a file that is empty revokes all"
    assert "short" not in caplog.text


def write(path: Path, text: str) -> None:
    """As an editor does: another file under the same name. The time is set, for two writes in one tick of the clock."""
    new = path.with_name("new")
    new.write_text(text)
    os.utime(new, ns=(0, 0))
    new.replace(path)


def test_where_keys_come_from(tmp_path):
    path = tmp_path / "keys"
    path.write_text("one:sesame-one\n")
    assert keys_from({}, None) is None
    assert keys_from({"RANKKIT_API_KEYS": " "}, None) is None
    found = keys_from({"RANKKIT_API_KEYS": "ci:sesame-one,sesame-two"}, None)
    assert found is not None and (found.name_of("sesame-one"), found.name_of("sesame-two")) == ("ci", "key-2")
    assert keys_from({}, path) is not None
    with pytest.raises(ConfigError, match="and in RANKKIT_API_KEYS"):
        keys_from({"RANKKIT_API_KEYS": "sesame-one"}, path)
    with pytest.raises(ConfigError, match="cannot be read"):
        keys_from({}, tmp_path / "absent")
