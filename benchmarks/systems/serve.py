"""The loop that every system runs: a query and documents a line in, seconds, scores and peak memory a line out.

Standard library only: this runs in the peers' environment too.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def serve(score) -> None:
    """``score(query, documents)`` gives one score a document. What it prints must not end up among the answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    gibibytes = int(os.environ.get("RANKKIT_BENCH_GIB", "16"))
    # Without a limit the machine runs out of memory instead of the system under test.
    resource.setrlimit(resource.RLIMIT_AS, (gibibytes << 30, gibibytes << 30))
    for line in sys.stdin:
        task = json.loads(line)
        started = time.perf_counter()
        try:
            scores = [float(value) for value in score(task["query"], task["documents"])]
            answer = {"seconds": time.perf_counter() - started, "scores": scores}
        except Exception as error:  # noqa: BLE001  # told to the harness, which prints it in the table
            answer = {"error": f"{type(error).__name__}: {str(error)[:120]}"}
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
