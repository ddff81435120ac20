"""Many clients of one server on loopback, in closed and open loops that end by count and by time."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice

from rankkit.core.ranking import Ranking, Request

#: Replies are matched by their numbers too, which are equal but for how they are written.
_TOLERANCE = 1e-6
#: A reply that takes longer is lost.
_PATIENCE = 300.0


@dataclass(frozen=True)
class Task:
    """What is asked, and what has to come back: each document's place in the request, and its score; of a server with
    other scores (not ``exact``) each document once.
    """

    body: bytes
    expected: tuple[tuple[int, float], ...]
    exact: bool = True

    @classmethod
    def of(cls, request: Request, ranking: Ranking, model: str = "served") -> Task:
        documents = [candidate.content for candidate in request.candidates]
        body = {"model": model, "query": request.query.text, "documents": documents, "raw_scores": True}
        assert ranking.scores is not None
        return cls(json.dumps(body).encode(), tuple(zip(ranking.order, ranking.scores, strict=True)))

    def is_answered_by(self, body: bytes) -> bool:
        rows = json.loads(body)["results"]
        found = [(row["index"], row["relevance_score"]) for row in rows]
        if not self.exact:
            return sorted(index for index, _ in found) == sorted(index for index, _ in self.expected)
        return len(found) == len(self.expected) and all(
            index == other and abs(score - number) < _TOLERANCE
            for (index, score), (other, number) in zip(found, self.expected, strict=True)
        )


@dataclass
class Outcome:
    """What became of all requests of a loop. ``seconds`` are those of the ones that were answered."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    #: Answered with another status, another's content, or twice.
    wrong: int = 0
    #: Without an answer.
    lost: int = 0
    elapsed: float = 0.0

    @property
    def sent(self) -> int:
        return len(self.seconds) + self.refused + self.wrong + self.lost


class Connection:
    """One of a client, kept open."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, name: str) -> tuple[int, str, bytes]:
        """The status, the request's id as the reply has it, and the body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}X-Request-Id: {name}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        said = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return int(start.split()[1]), headers.get("x-request-id", name), said

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Loop:
    """The clients of one measurement. ``seconds`` is how long new requests are made, ``most`` how many at most."""

    def __init__(
        self, port: int, tasks: Sequence[Task], *, most: int, seconds: float = 3600.0, path: str = "/v1/rerank"
    ) -> None:
        self._port, self._path, self._tasks, self._most, self._seconds = port, path, tasks, most, seconds
        self.outcome = Outcome()

    def closed(self, clients: int, each: Callable[[int], None] = lambda sent: None) -> Outcome:
        """Each client asks again as soon as it has its answer. ``each`` is called with how many were sent."""

        async def client(numbers: Iterator[int]) -> None:
            connection = Connection(self._port, self._path)
            for number in numbers:
                if time.monotonic() - began > self._seconds:
                    break
                await self._one(connection, number, time.monotonic())
                each(number)
            connection.close()

        async def run() -> None:
            numbers = islice(count(), self._most)
            await asyncio.gather(*(client(numbers) for _ in range(clients)))

        began = time.monotonic()
        asyncio.run(run())
        self.outcome.elapsed = time.monotonic() - began
        return self.outcome

    def open(self, clients: int, rate: float, seed: int = 1) -> Outcome:
        """Requests come at times of their own (Poisson, ``rate`` a second in all), whether the ones before are answered
        or not. Latency counts from when a request was due, not from when there was time to send it.
        """

        async def client(numbers: Iterator[int], chance: random.Random) -> None:
            free: list[Connection] = []
            waiting: set[asyncio.Task[None]] = set()
            due = began + chance.expovariate(rate / clients)
            while due - began < self._seconds and (number := next(numbers, None)) is not None:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                waiting.add(asyncio.create_task(ask(free, number, due)))
                due += chance.expovariate(rate / clients)
            await asyncio.gather(*waiting)
            for connection in free:
                connection.close()

        async def ask(free: list[Connection], number: int, due: float) -> None:
            connection = free.pop() if free else Connection(self._port, self._path)
            await self._one(connection, number, due)
            free.append(connection)

        async def run() -> None:
            numbers = islice(count(), self._most)
            chances = [random.Random(seed * 1000 + place) for place in range(clients)]
            await asyncio.gather(*(client(numbers, chance) for chance in chances))

        began = time.monotonic()
        asyncio.run(run())
        self.outcome.elapsed = time.monotonic() - began
        return self.outcome

    async def _one(self, connection: Connection, number: int, since: float) -> None:
        task, name = self._tasks[number % len(self._tasks)], f"load-{number}"
        try:
            async with asyncio.timeout(_PATIENCE):
                status, said, body = await connection.post(task.body, name)
        except (OSError, EOFError, TimeoutError):
            connection.close()
            self.outcome.lost += 1
            return
        if status in (429, 503):
            self.outcome.refused += 1
        elif status == 200 and said == name and task.is_answered_by(body):
            self.outcome.seconds.append(time.monotonic() - since)
        else:
            self.outcome.wrong += 1
