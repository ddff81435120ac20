"""``rankkit serve``: rerankers behind the wire formats of the rerank services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from rankkit.cli.output import remark, say
from rankkit.cli.parameters import flag, number, option
from rankkit.config.files import check_name
from rankkit.config.loading import load
from rankkit.errors import ConfigError
from rankkit.server.running import Model, Service
from rankkit.server.running import check as check_service
from rankkit.server.settings import Limits, Settings


def serve(
    *,
    config: Annotated[
        list[str] | None,
        option("--config", "-c", metavar="[NAME=]FILE", help="A spec file (.toml, .json), once for each reranker."),
    ] = None,
    model: Annotated[
        list[str] | None,
        option("--model", "-m", metavar="[NAME=]MODEL", help="A catalogue name or a path, once for each reranker."),
    ] = None,
    threads: Annotated[
        int | None, number("--threads", help="CPU threads of each model. Default: this process's share.", minimum=1)
    ] = None,
    host: Annotated[str, option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, number("--port", help="0 is any that is free.", minimum=0)] = 8000,
    workers: Annotated[int, number("--workers", help="Processes, which share the CPUs.", minimum=1)] = 1,
    keys: Annotated[
        Path | None, option("--keys", help="A file of keys, name:key a line; read again when it changes.")
    ] = None,
    no_keys: Annotated[
        bool, flag("--no-keys", help="Ask for no key, though other machines can reach the address.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None, option("--allowed-host", help="A name by which the server may be called; * is any.")
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, option("--allowed-origin", help="A page that may call: https://app.example.")
    ] = None,
    deadline: Annotated[
        float, number("--deadline", help="Seconds a request has, unless it says otherwise.", minimum=0)
    ] = 30.0,
    longest_deadline: Annotated[
        float, number("--longest-deadline", help="The most that a request may say.", minimum=0)
    ] = 300.0,
    max_in_flight: Annotated[
        int, number("--max-in-flight", help="Requests ranked at once, in each process.", minimum=1)
    ] = 32,
    max_queue: Annotated[
        int, number("--max-queue", help="Requests that may wait, in each process; then 429.", minimum=0)
    ] = 128,
    max_documents: Annotated[int, number("--max-documents", help="Documents in a request.", minimum=1)] = 1000,
    max_body: Annotated[int, number("--max-body", help="Bytes in a body.", minimum=1)] = 8 * 1024 * 1024,
    grace: Annotated[
        float, number("--grace", help="Seconds that requests have to end when the server stops.", minimum=0)
    ] = 30.0,
    traces: Annotated[
        bool, flag("--traces", help="Spans of OpenTelemetry, as its OTEL_... variables say (opentelemetry-instrument).")
    ] = False,
    no_access_log: Annotated[bool, flag("--no-access-log", help="No line a request on stdout.")] = False,
    check: Annotated[bool, flag("--check", help="Load everything, say what would be served, and stop.")] = False,
) -> None:
    """Serve rerankers over HTTP, as Cohere, Jina, Voyage, Mixedbread, TEI, vLLM and llama.cpp are asked."""
    options: dict[str, object] = {} if threads is None else {"threads": threads}
    service = Service(
        models=tuple(_models(config or [], model or [], options)),
        host=host,
        port=port,
        settings=Settings(
            limits=Limits(documents=max_documents, body_bytes=max_body),
            in_flight=max_in_flight,
            queue=max_queue,
            deadline=deadline,
            longest_deadline=longest_deadline,
            allowed_hosts=tuple(allowed_host or ()),
            allowed_origins=tuple(allowed_origin or ()),
        ),
        keys=keys,
        no_keys=no_keys,
        workers=workers,
        grace=grace,
        traces=traces,
        access_log=not no_access_log,
    )
    check_service(service)
    if check:
        _check(service)
        return
    _run(service)


def _run(service: Service) -> None:
    from rankkit.server.logs import set_up_logs
    from rankkit.server.running import bound, run_here, url_of
    from rankkit.server.workers import run_workers

    sock = bound(service)
    where = f"{url_of(sock)} ({', '.join(model.name for model in service.models)})"
    set_up_logs(access=service.access_log)
    remark(f"loading for {where}")
    run = run_here if service.workers == 1 else run_workers
    try:
        run(service, sock, lambda: remark(f"ready at {where}"))
    finally:
        sock.close()


def _check(service: Service) -> None:
    for model in service.models:
        with load(model.what, options=model.options) as reranker:
            say(f"{model.name}: {reranker!r}")
    say(f"would be served at {service.host}, port {service.port}, with {service.workers} worker(s)")


def _models(configs: list[str], names: list[str], options: dict[str, object]) -> Iterator[Model]:
    """Each with a name: the one before its ``=``, else the file's or the model's own."""
    for said, is_file in (*((one, True) for one in configs), *((one, False) for one in names)):
        given, sign, rest = said.partition("=")
        name, what = (given, rest) if sign and _is_name(given) else ("", said)
        if not what:
            raise ConfigError(f"{said!r} names nothing to serve", hint="Say NAME=FILE, or NAME=MODEL.")
        if is_file:
            check_name(what)
        yield Model(name or (Path(what).stem if is_file else Path(what).name), what, options)


def _is_name(text: str) -> bool:
    return bool(text) and all(char.isalnum() or char in "._-" for char in text)
