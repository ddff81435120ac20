"""A server of the Model Context Protocol (extra ``mcp``): ``rankkit mcp``. Its tools are ``rerank`` and ``search``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.server.mcp.limits import McpLimits as McpLimits
    from rankkit.server.mcp.server import build_server as build_server
    from rankkit.server.mcp.transports import serve_http as serve_http
    from rankkit.server.mcp.transports import serve_stdio as serve_stdio
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "McpLimits": "rankkit.server.mcp.limits",
            "build_server": "rankkit.server.mcp.server",
            "serve_http": "rankkit.server.mcp.transports",
            "serve_stdio": "rankkit.server.mcp.transports",
        },
    )
