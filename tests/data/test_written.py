"""Files that commands write: whole or not at all, and never over something else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rankkit.core.ranking import Candidate, Query, Ranking, Request
from rankkit.data.runs import check_run_out, read_run, write_run
from rankkit.data.written import check_writable, create_beside, is_device, replace_all, replaced, replaced_folder
from rankkit.errors import DataError, StoreError


def is_number(line: str) -> bool:
    return line.isdigit()


def test_a_file_is_replaced_as_a_whole_or_stays_as_it_was(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("1")
    with replaced(path) as file:
        file.write(b"2")
        assert path.read_text() == "1"
    assert path.read_text() == "2"
    with pytest.raises(KeyError), replaced(path) as file:
        file.write(b"3")
        raise KeyError
    assert path.read_text() == "2" and list(tmp_path.iterdir()) == [path]


def test_a_planted_link_is_not_followed(tmp_path: Path):
    victim, path = tmp_path / "victim", tmp_path / "out"
    victim.write_text("precious")
    (tmp_path / "out.partial").symlink_to(victim)
    beside, file = create_beside(path, ".partial")
    file.close()
    assert beside.name == "out.partial-2" and not beside.is_symlink()
    path.symlink_to(victim)
    with replaced(path) as file:
        file.write(b"1")
    assert victim.read_text() == "precious" and not path.is_symlink() and path.read_text() == "1"


def test_only_files_of_the_kind_that_are_no_inputs_are_replaced(tmp_path: Path):
    path = tmp_path / "a"
    check_writable(path, "a number", is_number)
    path.touch()
    check_writable(path, "a number", is_number)
    path.write_text("1\n2\n")
    check_writable(path, "a number", is_number)
    with pytest.raises(DataError, match="is read as data"):
        check_writable(path, "a number", is_number, [tmp_path / "gone", tmp_path / "." / "a"])
    for content in (b"precious", b"\xff\xfe\x00", b"\n\nprecious"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="a file already that is not a number"):
            check_writable(path, "a number", is_number)
    with pytest.raises(DataError, match="there is no folder"):
        check_writable(tmp_path / "no" / "a", "a number", is_number)
    with pytest.raises(DataError, match="is a folder"):
        check_writable(tmp_path, "a number", is_number)


def test_devices_are_written_through(tmp_path: Path):
    null = Path(os.devnull)
    assert is_device(null) and not is_device(tmp_path) and not is_device(tmp_path / "gone")
    check_writable(null, "a number", is_number)
    with replaced(null) as file:
        file.write(b"1")
    assert stat.S_ISCHR(null.stat().st_mode)


def test_a_run_replaces_a_run_and_nothing_else(tmp_path: Path):
    path, request = tmp_path / "a.run", Request(Query("q", "1"), (Candidate("a", "x"), Candidate("b", "y")))
    write_run(path, [Ranking(request, (1, 0))])
    before = read_run(path)
    check_run_out(path)
    (tmp_path / "qrels.txt").write_text("1 0 a 1\n")
    with pytest.raises(DataError, match="not a run: '1 0 a 1'"):
        check_run_out(tmp_path / "qrels.txt")
    with pytest.raises(DataError, match="read as data"):
        check_run_out(path, [path])
    assert read_run(path) == before


def test_files_that_belong_together_are_replaced_together_or_not_at_all(tmp_path: Path):
    paths = [tmp_path / "one", tmp_path / "two"]
    replace_all(dict.fromkeys(paths, b"before"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"nowhere/three: cannot be written"):
        replace_all({**dict.fromkeys(paths, b"after"), tmp_path / "nowhere" / "three": b"after"})
    assert [path.read_bytes() for path in paths] == [b"before", b"before"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "one", "two"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_the_file_that_the_disk_is_full_for_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"/dev/full: cannot be written \(No space left"):
        replace_all({tmp_path / "one": b"x", Path("/dev/full"): b"y", tmp_path / "two": b"z"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("replacing", [replaced, replaced_folder])
def test_an_error_of_a_store_while_it_is_written_stays_one(replacing, tmp_path: Path):
    """A ``StoreError`` is an ``OSError``, and says which disk is full itself."""
    with pytest.raises(StoreError, match="the disk is full"), replacing(tmp_path / "file"):
        raise StoreError("the disk is full")
    assert list(tmp_path.iterdir()) == []
