"""``rankkit serve`` as a process: it starts, tells what is wrong, stops gracefully, and comes back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected

import pytest

from tests.server.live import Address, serving
from tests.tiny import tiny_cross_encoder

#: Real processes that serve.
pytestmark = pytest.mark.slow

BODY = {"query": "word", "documents": ["bad", "best", "good"]}

#: A server whose rankings take a while, and which says so when it has begun one.
SLOW = """
import socket, sys, time
from tests.server.plain import ByLength, app
from rankkit.server.running import run_application
def before(request):
    print("began", flush=True)
    time.sleep(float(sys.argv[1]))
sock = socket.create_server(("127.0.0.1", 0))
ready = lambda: print(f"ready at http://127.0.0.1:{sock.getsockname()[1]}", file=sys.stderr, flush=True)
run_application(app(ByLength(before)), sock, grace=float(sys.argv[2]), on_ready=ready)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def order_of(reply: dict[str, object]) -> list[int]:
    return [result["index"] for result in reply["results"]]  # type: ignore[index,attr-defined]


def test_it_serves_logs_without_texts_and_ends_with_0_when_it_is_told_to(model):
    with serving("--model", model, "--port", "0") as server:
        address = server.ready()
        status, reply, headers = address.ask(body=BODY, headers={"X-Request-Id": "mine-1"})
        assert (status, order_of(reply), headers["x-request-id"]) == (200, [1, 2, 0], "mine-1")
        assert address.ask("/ready")[1] == {"status": "ready", "models": ["tiny"]}
        server.send()
        assert server.wait() == 0
    [line] = [json.loads(line) for line in server.lines if "mine-1" in line]
    assert (line["status"], line["model"], line["documents"], line["path"]) == (200, "tiny", 3, "/rerank")
    assert line["queue_ms"] >= 0 and line["ms"] >= 0
    assert "best" not in "".join(server.lines + server.said)


def test_under_load_what_was_accepted_is_answered_and_what_comes_later_refused():
    with serving("0.5", "20", program=SLOW) as server:
        address = server.ready()
        outcomes: list[object] = []

        def client() -> None:
            try:
                outcomes.append(address.ask(body=BODY)[0])
            except (OSError, HTTPException) as error:
                outcomes.append(error)

        early = [threading.Thread(target=client) for _ in range(12)]
        for thread in early:
            thread.start()
        while len(server.lines) < 4:  # four threads work, the others wait
            time.sleep(0.01)
        time.sleep(0.2)  # until each of them is accepted
        server.send()
        for thread in early:
            thread.join()
        assert outcomes == [200] * 12
        assert server.wait() == 0
    with pytest.raises(OSError):
        address.ask(body=BODY)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_clients_that_keep_their_connections_lose_no_request(model, workers):
    """Each asks again and again on one connection: until it is said that the connection ends, nothing is lost on it. A
    new one that was not yet taken when the server stopped to listen is refused: by the system, if need be.
    """

    def ask(connection: HTTPConnection) -> HTTPResponse:
        connection.request("POST", "/rerank", json.dumps(BODY), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        outcomes.append(reply.status)
        return reply

    def client(address: Address, outcomes: list[int]) -> None:
        while True:
            connection = HTTPConnection(address.host, address.port, timeout=60)
            try:
                reply = ask(connection)
            except (ConnectionError, RemoteDisconnected):
                connection.close()
                return
            try:
                while reply.getheader("connection") != "close":
                    reply = ask(connection)
            except (ConnectionError, RemoteDisconnected):
                # One that said nothing while the server said that it ends has to connect again.
                assert stopped and time.monotonic() - stopped[0] > 0.25
            connection.close()

    outcomes: list[int] = []
    stopped: list[float] = []
    with (
        ThreadPoolExecutor(8) as pool,
        serving("--model", model, "--port", "0", "--workers", workers, "--no-access-log") as server,
    ):
        address = server.ready()
        clients = [pool.submit(client, address, outcomes) for _ in range(8)]
        while len(outcomes) < 50:
            time.sleep(0.01)
        stopped.append(time.monotonic())
        server.send()
        for one in clients:
            one.result()  # raises where a request was lost
        assert server.wait() == 0
    assert set(outcomes) <= {200, 503} and server.lines == []


def test_the_grace_period_has_an_end():
    with serving("30", "1", program=SLOW) as server:
        address = server.ready()
        replies: list[tuple[int, object, object]] = []
        thread = threading.Thread(target=lambda: replies.append(address.ask(body=BODY)))
        thread.start()
        while not server.lines:
            time.sleep(0.01)
        server.send()
        thread.join()
        assert [status for status, _, _ in replies] == [503]
        assert server.wait() == 0


def test_after_a_kill_it_starts_again_at_the_same_port(model):
    with serving("--model", model, "--port", "0") as server:
        address = server.ready()
        lasting = address.connect()
        assert address.ask(body=BODY)[0] == 200
        server.send(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
        lasting.close()
    with serving("--model", model, "--port", str(address.port)) as again:
        assert order_of(again.ready().ask(body=BODY)[1]) == [1, 2, 0]


def test_keys_of_a_file_are_revoked_without_a_restart(model, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("# ours\nsearch:sesame-one\nshop:sesame-two\n")
    with serving("--model", model, "--port", "0", "--keys", str(keys)) as server:
        address = server.ready()

        def status(key: str, path: str = "/rerank", body: object = BODY) -> int:
            return address.ask(path, body, headers={"Authorization": f"Bearer {key}"})[0]

        assert (status("sesame-one"), status("sesame-two"), status("sesame-three")) == (200, 200, 401)
        assert [status("", path, None) for path in ("/metrics", "/docs", "/v1/models")] == [401, 401, 401]
        assert [status("", path, None) for path in ("/health", "/ready")] == [200, 200]
        replacement = tmp_path / "new"
        replacement.write_text("shop:sesame-two\n")
        replacement.replace(keys)
        assert (status("sesame-one"), status("sesame-two")) == (401, 200)
        server.send()
        server.wait()
    said = "".join(server.lines + server.said)
    assert '"key": "search"' in said and "sesame" not in said


def test_keys_of_a_variable(model):
    with serving(
        "--model", model, "--port", "0", environment={"RANKKIT_API_KEYS": "ci:sesame-one, sesame-two"}
    ) as server:
        address = server.ready()
        assert address.ask(body=BODY)[0] == 401
        assert address.ask(body=BODY, headers={"X-Api-Key": "sesame-two"})[0] == 200


def test_workers_share_the_address_are_replaced_and_end_together(model):
    with serving("--model", model, "--port", "0", "--workers", "2") as server:
        address = server.ready()
        assert {order(address) for _ in range(20)} == {(1, 2, 0)}
        first, second = children_of(server.process.pid)
        os.kill(first, signal.SIGKILL)
        while len(now := children_of(server.process.pid)) < 2 or first in now:
            time.sleep(0.05)
        assert {order(address) for _ in range(20)} == {(1, 2, 0)}
        metrics = address.ask("/metrics")[1]
        total = sum(
            float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("rankkit_requests_total")
        )
        assert total >= 40  # of all processes, the dead one's too
        server.send()
        assert server.wait() == 0
    assert not any(alive(process) for process in (*now, second))


def test_clients_that_call_at_once_are_shared_by_the_workers(model):
    import psutil

    with serving("--model", model, "--port", "0", "--workers", "2") as server, contextlib.ExitStack() as calls:
        address = server.ready()
        workers = [psutil.Process(worker) for worker in children_of(server.process.pid)]
        for worker in workers:
            worker.suspend()
        for _ in range(200):
            calls.enter_context(address.connect())
        for worker in workers:
            worker.resume()
        while sum(taken := [connected(worker) for worker in workers]) < 200:
            time.sleep(0.02)
        assert min(taken) > 0


def connected(process) -> int:
    return sum(one.status == "ESTABLISHED" for one in process.net_connections("tcp"))


def test_workers_end_when_the_process_that_started_them_is_killed(model):
    with serving("--model", model, "--port", "0", "--workers", "2") as server:
        server.ready()
        workers = children_of(server.process.pid)
        server.send(signal.SIGKILL)
        server.wait()
        while any(alive(process) for process in workers):
            time.sleep(0.05)


def order(address: Address) -> tuple[int, ...]:
    return tuple(order_of(address.ask(body=BODY)[1]))


def children_of(parent: int) -> list[int]:
    import psutil

    return [one.pid for one in psutil.Process(parent).children() if "spawn_main" in command_of(one)]


def command_of(process) -> str:
    """None of one that has ended meanwhile."""
    import psutil

    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def alive(process: int) -> bool:
    import psutil

    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--port", "0"), 2, "nothing to serve"),
        (("--model", "nobody-knows-it", "--port", "0"), 4, "is not a model that rankkit knows"),
        (("--config", "absent.toml", "--port", "0"), 2, "absent.toml"),
        (("--model", "MODEL", "--host", "0.0.0.0", "--port", "0"), 2, "no key would be asked for"),
        (("--model", "MODEL", "--host", "192.0.2.1", "--no-keys", "--port", "0"), 2, "cannot be listened on"),
        (("--model", "MODEL", "--model", "MODEL", "--port", "0"), 2, "two models would be called 'tiny'"),
        (("--model", "MODEL", "--keys", "absent", "--port", "0"), 2, "cannot be read"),
        (("--model", "MODEL", "--workers", "0"), 2, "0"),
        (("--model", "MODEL", "--port", "65536"), 2, "port 65536 is not possible"),
        (("--model", "MODEL", "--port", "0", "--allowed-origin", "app.example"), 2, "is no origin"),
        (("--model", "MODEL", "--port", "0", "--allowed-origin", "https://*.example"), 2, "is no origin"),
    ],
)
def test_what_cannot_be_served_is_said_and_is_an_exit_code(model, arguments, code, words):
    from tests.cli.command import rankkit

    ended = rankkit("serve", *(model if argument == "MODEL" else argument for argument in arguments))
    assert ended.returncode == code
    assert words in ended.stderr


def test_an_address_that_is_taken_is_an_error(model):
    from tests.cli.command import rankkit

    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = rankkit("serve", "--model", model, "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "cannot be listened on" in ended.stderr and "--port" in ended.stderr


def test_check_loads_and_says_what_would_be_served(model):
    from tests.cli.command import rankkit

    ended = rankkit("serve", "--model", f"mine={model}", "--check")
    assert ended.returncode == 0
    assert ended.stdout.startswith("mine: pointwise(tiny)")


def test_they_are_served_in_the_order_of_the_command_line(model, tmp_path):
    from tests.cli.command import rankkit

    (tmp_path / "file.toml").write_text(f"model = {json.dumps(str(model))}\n")
    file = str(tmp_path / "file.toml")
    for given in (("--model", f"b={model}", "-c", f"c={file}", f"-m=a={model}"), (f"--config={file}", "-m", model)):
        ended = rankkit("serve", *given, "--check")
        assert ended.returncode == 0
        names = [line.partition(":")[0] for line in ended.stdout.splitlines()[:-1]]
        assert names == (["b", "c", "a"] if given[0] == "--model" else ["file", "tiny"])
