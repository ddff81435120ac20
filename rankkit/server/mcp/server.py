"""The server as the official SDK makes it, with checks of arguments and errors in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rankkit import __version__
from rankkit.core.extras import require_extra
from rankkit.core.printing import clip
from rankkit.errors import ConfigError, nearest
from rankkit.pipeline.cascade import BaseReranker
from rankkit.server.mcp.limits import McpLimits
from rankkit.server.mcp.tools import tools_for

with require_extra("mcp", "A server of the Model Context Protocol"):
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import ToolAnnotations

if TYPE_CHECKING:
    from rankkit.retrieval.searcher import Searcher

_TITLES: Mapping[str, str] = {"rerank": "Rerank documents", "search": "Search the corpus"}
_MOST_FAULTS = 3


class RankkitServer(MCPServer):  # type: ignore[type-arg, unused-ignore]
    """The SDK leaves out arguments that a tool does not have, and speaks of wrong ones in pydantic's words."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        schemas = {tool.name: tool.input_schema for tool in await self.list_tools()}
        if name not in schemas:
            raise ToolError(f"there is no tool {clip(name, 60)!r}. {nearest(name, schemas)}")
        known = schemas[name]["properties"]
        if unknown := [one for one in arguments if one not in known]:
            raise ToolError(f"{name} has no argument {clip(unknown[0], 60)!r}. {nearest(unknown[0], known)}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{name}: {_faults(error.__cause__)}") from error.__cause__
            raise


def build_server(
    reranker: BaseReranker | None = None, searcher: Searcher | None = None, *, limits: McpLimits | None = None
) -> RankkitServer:
    """An ``MCPServer`` with the tool ``rerank`` where there is a reranker, and ``search`` where there is a searcher.
    Both take an instruction where the reranker follows one.

    ``build_server(rankkit.load("ms-marco-MiniLM-L-12-v2"))`` is ready for ``serve_stdio``, ``serve_http``, and for
    ``mcp.Client(server)`` in a test. The SDK configures the root logger, to standard error, unless that was done.

    Raises:
        ConfigError: neither is given.
    """
    if reranker is None and searcher is None:
        raise ConfigError("there is nothing to serve", hint="Give a reranker, a searcher, or both.")
    tools = tools_for(limits or McpLimits(), reranker, searcher)
    server = RankkitServer("rankkit", title="rankkit", version=__version__, log_level="WARNING")
    for name, words in tools.descriptions().items():
        server.add_tool(
            getattr(tools, name),
            name=name,
            description=words,
            annotations=ToolAnnotations(
                title=_TITLES[name],
                read_only_hint=True,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )
    return server


def _faults(error: ValidationError) -> str:
    """The first few, each with the argument and what was given, cut short."""
    faults = error.errors(include_url=False)
    words = [f"{'.'.join(map(str, one['loc']))}: {_fault(one)}" for one in faults[:_MOST_FAULTS]]
    more = len(faults) - _MOST_FAULTS
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


def _fault(one: Mapping[str, Any]) -> str:
    if one["type"] == "missing":
        return "it is needed"
    shown = f"{one['input']!r:.200}"
    return f"{one['msg'][:1].lower()}{one['msg'][1:]}, not {clip(shown, 60)}"
