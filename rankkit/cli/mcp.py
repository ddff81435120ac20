"""``rankkit mcp``: reranking and search as tools for assistants, over the Model Context Protocol."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group

from rankkit.cli.first_stage import Bm25Options
from rankkit.cli.options import RerankerOptions
from rankkit.cli.output import remark
from rankkit.cli.parameters import SPREAD, number, option
from rankkit.cli.terminal import visible
from rankkit.errors import ConfigError

if TYPE_CHECKING:
    from rankkit.pipeline.cascade import BaseReranker
    from rankkit.retrieval.searcher import Searcher

SERVER = Group("Server", sort_key=0)


class _VisibleLines(logging.Formatter):
    """What controls a terminal is a mark in the log, whoever said it."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def mcp(
    *,
    bm25: Annotated[Bm25Options, SPREAD] = Bm25Options(),
    options: Annotated[RerankerOptions, SPREAD] = RerankerOptions(),
    corpus: Annotated[
        Path | None,
        option("--corpus", help="Offer the tool search over this: JSON lines, a BEIR folder, or .txt and .md files."),
    ] = None,
    index: Annotated[
        Path | None,
        option("--index", help="Keep the index here. Without --corpus: search it as it is."),
    ] = None,
    transport: Annotated[
        Literal["stdio", "http"],
        option(
            "--transport", help="stdio for a host that starts this command; http for streamable HTTP.", panel=SERVER
        ),
    ] = "stdio",
    host: Annotated[str, option("--host", help="Address to listen on.", panel=SERVER)] = "127.0.0.1",
    port: Annotated[int, number("--port", help="0 for any that is free.", panel=SERVER, minimum=0)] = 8000,
    allowed_host: Annotated[
        list[str] | None,
        option("--allowed-host", help="A name that clients call the server by, off loopback.", panel=SERVER),
    ] = None,
    keys: Annotated[
        Path | None,
        option("--keys", help="A file of keys, name:key a line; read again when it changes.", panel=SERVER),
    ] = None,
    max_documents: Annotated[
        int, number("--max-documents", help="Documents of a call.", panel=SERVER, minimum=1)
    ] = 1000,
    max_bytes: Annotated[int, number("--max-bytes", help="Bytes of a call's documents.", panel=SERVER, minimum=1)] = 2
    * 1024
    * 1024,
) -> None:
    """Serve the tools rerank and search to assistants (MCP). Keys for HTTP: RANKKIT_API_KEYS, or --keys."""
    # Nothing but the protocol may stand on standard output.
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_VisibleLines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    from rankkit.server.keys import keys_from
    from rankkit.server.mcp.limits import McpLimits
    from rankkit.server.mcp.server import build_server
    from rankkit.server.mcp.transports import serve_http, serve_stdio, stdout_for_protocol

    if keys is not None and transport == "stdio":
        raise ConfigError("keys are for HTTP", hint="Add --transport http, or leave --keys out.")
    known = keys_from(os.environ, keys) if transport == "http" else None
    with stdout_for_protocol() if transport == "stdio" else contextlib.nullcontext():
        reranker, searcher = _parts(options, bm25, corpus, index)
        server = build_server(reranker, searcher, limits=McpLimits(documents=max_documents, bytes=max_bytes))
    offered = " and ".join(name for name, part in (("rerank", reranker), ("search", searcher)) if part is not None)
    with contextlib.nullcontext() if reranker is None else reranker:
        if transport == "stdio":
            remark(f"{offered} over standard input and output", style="dim")
            serve_stdio(server)
        else:
            serve_http(
                server,
                host=host,
                port=port,
                allowed_hosts=allowed_host or (),
                keys=known,
                max_body=4 * max_bytes + 64 * 1024,  # JSON around them, and what it writes longer
                ready=lambda url: remark(f"{offered} at {url}", style="dim"),
            )


def _parts(
    options: RerankerOptions, bm25: Bm25Options, corpus: Path | None, index: Path | None
) -> tuple[BaseReranker | None, Searcher | None]:
    """The reranker, and the searcher where a corpus or an index is named: both loaded before anything is served."""
    if options.given and not options.names_a_model:
        raise ConfigError("these options are for a model: give --model or --config too")
    spec = options.spec() if options.names_a_model else None
    first = bm25.over(None if spec is None else spec.first_stage, corpus=corpus, index=index)
    searching = first.corpus is not None or first.index is not None
    if bm25.given and not searching:
        raise ConfigError("these options are for a corpus: give --corpus, or --index, too")
    if spec is None and not searching:
        raise ConfigError("there is nothing to serve", hint="Give --model or --config, --corpus or --index, or both.")
    reranker = None if spec is None else spec.build()
    if not searching:
        return reranker, None
    from rankkit.retrieval.searcher import Searcher

    found, _ = first.open()
    return reranker, Searcher(found, reranker, first.k)
