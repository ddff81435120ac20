"""The memory of an evaluation does not grow with the number of queries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.tiny import tiny_cross_encoder

PROGRAM = """
import resource, sys
from rankkit.cli.app import run
assert run(["eval", "--data", sys.argv[1], "--model", sys.argv[2], "--json", "--run-out", sys.argv[3]]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def data_set(folder, queries):
    folder.mkdir()
    with (folder / "candidates.jsonl").open("w") as candidates, (folder / "qrels.txt").open("w") as qrels:
        for number in range(queries):
            documents = [
                {
                    "docid": f"{number}-{place}",
                    "text": f"good word {place} of passage {number} bad",
                    "score": 20 - place,
                }
                for place in range(20)
            ]
            line = {"qid": str(number), "query": f"word {number}", "candidates": documents}
            candidates.write(json.dumps(line) + "\n")
            qrels.write(f"{number} 0 {number}-3 1\n")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no resource module here")
def test_ten_times_the_queries_take_little_more_memory(tmp_path):
    model = tiny_cross_encoder(tmp_path / "model")

    def peak(queries: int) -> int:
        data = data_set(tmp_path / str(queries), queries)
        command = [sys.executable, "-c", PROGRAM, str(data), str(model), str(tmp_path / f"{queries}.run")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert (tmp_path / f"{queries}.run").read_bytes().count(b"\n") == 20 * queries
        return int(done.stderr.split()[-1])

    few, many = peak(2_000), peak(20_000)
    assert many - few < 100, (few, many)
