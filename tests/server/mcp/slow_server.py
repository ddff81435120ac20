"""A server whose reranker takes for ever, in its own process: ``python -m tests.server.mcp.slow_server stdio FILE``.

It appends ``began`` and ``ended`` to the file, so that a test sees that a call which nobody waits for is ended.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from rankkit.core.cancellation import current
from rankkit.core.questions import Answer
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.server.mcp import build_server, serve_http, serve_stdio
from rankkit.testing import ScriptedJudge


def main(transport: str, marks: Path) -> None:
    def mark(words: str) -> None:
        with marks.open("a") as file:
            file.write(f"{words}\n")

    def score(asked) -> Answer[float]:
        if asked.request.query.text == "slow":
            mark("began")
            stop = threading.Event()
            try:
                with current().ended_by(stop.set):
                    stop.wait()
            finally:
                mark("ended")
        return Answer(1.0)

    server = build_server(JudgeReranker(ScriptedJudge(score), ScoreAll()))
    if transport == "stdio":
        serve_stdio(server)
    else:
        serve_http(server, port=0, ready=lambda url: sys.stderr.write(f"rerank at {url}\n") and None)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
