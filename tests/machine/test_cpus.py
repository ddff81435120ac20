from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.machine.cpus import CPUS_ENV, available_cpus
from rankkit.machine.memory import available_memory


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def test_without_control_groups_the_affinity_counts(tmp_path):
    assert 1 <= available_cpus(tmp_path) == available_cpus(tmp_path / "nowhere")


def test_version_2_quota_of_half_a_cpu_is_one(tmp_path):
    lay_out(tmp_path, {"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "50000 100000"})
    assert available_cpus(tmp_path) == 1


def test_a_quota_further_up_counts_too(tmp_path):
    lay_out(
        tmp_path,
        {
            "proc/self/cgroup": "0::/a/b",
            "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            "sys/fs/cgroup/a/cpu.max": "199999 100000",
        },
    )
    assert available_cpus(tmp_path) == 1


def test_version_1_quota(tmp_path):
    group = "sys/fs/cgroup/cpu/docker/x"
    lay_out(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x",
            f"{group}/cpu.cfs_quota_us": "100000",
            f"{group}/cpu.cfs_period_us": "100000",
        },
    )
    assert available_cpus(tmp_path) == 1


@given(st.text(alphabet="max 0123456789-.\n", max_size=20))
def test_no_content_of_the_file_breaks_it(tmp_path_factory, text):
    root = tmp_path_factory.mktemp("cgroup")
    lay_out(root, {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": text})
    assert 1 <= available_cpus(root) <= available_cpus(root / "nowhere")


def test_memory_is_the_least_of_system_and_groups(tmp_path):
    lay_out(
        tmp_path,
        {
            "proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 4000 kB",
            "proc/self/cgroup": "0::/a",
            "sys/fs/cgroup/a/memory.max": "1000000",
            "sys/fs/cgroup/a/memory.current": "700000",
            "sys/fs/cgroup/a/memory.stat": "anon 500000\nactive_file 50000\ninactive_file 150000",
        },
    )
    assert available_memory(tmp_path) == 1000000 - 700000 + 200000


def test_memory_without_groups(tmp_path):
    assert available_memory(lay_out(tmp_path, {"proc/meminfo": "MemAvailable: 4000 kB"})) == 4000 * 1024


def test_memory_that_nobody_tells(tmp_path):
    assert available_memory(tmp_path) is None


@pytest.mark.parametrize(("said", "expected"), [("1", 1), ("100000", None), ("0", None), ("two", None), ("", None)])
def test_a_process_may_have_a_share_only(said, expected, monkeypatch, tmp_path):
    monkeypatch.delenv(CPUS_ENV, raising=False)
    all_of_them = available_cpus(tmp_path)
    monkeypatch.setenv(CPUS_ENV, said)
    assert available_cpus(tmp_path) == (expected or all_of_them)
