"""The tools: what a host shows of them, what they take, and what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from rankkit.core.documents import Fields, read_document
from rankkit.core.extras import require_extra
from rankkit.core.ranking import Request
from rankkit.errors import InputError, RankkitError
from rankkit.pipeline.cascade import BaseReranker
from rankkit.server.mcp.limits import McpLimits
from rankkit.server.mcp.results import RerankAnswer, SearchAnswer, rerank_answer, search_answer

with require_extra("mcp", "A server of the Model Context Protocol"):
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import CallToolResult, TextContent

if TYPE_CHECKING:
    from rankkit.retrieval.searcher import Searcher

_DOCUMENT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "text": {"type": "string"}},
            "additionalProperties": True,
        },
    ]
}
_Query = Annotated[str, Field(description="What the documents are to be relevant to: a question or some words.")]
_Documents = Annotated[
    list[Any],
    WithJsonSchema({"type": "array", "items": _DOCUMENT}),
    Field(description="Texts, or objects with text and, if there are, id and title."),
]
_TopN = Annotated[int, Field(ge=1, description="How many of the best to return.")]
_ReturnText = Annotated[bool, Field(description="Give the beginning of each text.")]
_Instruction = Annotated[str, Field(description="What counts as relevant beside the query, in words.")]


@dataclass(frozen=True, slots=True)
class Tools:
    """Two methods are the tools. Errors that rankkit raises on purpose are answered in their words; anything else is a
    fault of the server, of which the SDK says only that it happened.
    """

    limits: McpLimits
    reranker: BaseReranker | None = None
    searcher: Searcher | None = None

    async def rerank(
        self, *, query: _Query, documents: _Documents, top_n: _TopN = 10, return_text: _ReturnText = False
    ) -> Annotated[CallToolResult, RerankAnswer]:
        return await self._reranked(query, documents, top_n, text=return_text)

    async def search(
        self, *, query: _Query, top_n: _TopN = 10, return_text: _ReturnText = True
    ) -> Annotated[CallToolResult, SearchAnswer]:
        return await self._searched(query, top_n, text=return_text)

    async def _reranked(
        self, query: str, documents: list[Any], top_n: int, *, text: bool, instruction: str = ""
    ) -> CallToolResult:
        assert self.reranker is not None
        try:
            self.limits.check_query(query + instruction)
            read = self._read(documents)
            places = [place for place, one in enumerate(read) if not one.is_empty]
            request = Request.of(query, [documents[place] for place in places], instruction=instruction)
            ranking = await self.reranker.rank_async(request)
        except RankkitError as error:
            raise ToolError(str(error)) from error
        return _compact(rerank_answer(ranking, read, places, top_n, text=text, limits=self.limits))

    def _read(self, documents: list[Any]) -> list[Fields]:
        try:
            self.limits.check_documents(documents)
            return [read_document(document, position) for position, document in enumerate(documents)]
        except (OverflowError, ValueError) as error:
            if isinstance(error, RankkitError):
                raise
            raise InputError(f"a document holds a number that cannot be read ({error})") from error

    async def _searched(self, query: str, top_n: int, *, text: bool, instruction: str = "") -> CallToolResult:
        assert self.searcher is not None
        try:
            self.limits.check_query(query + instruction)
            ranking = await self.searcher.search_async(Request.of(query, [], instruction=instruction).query)
        except RankkitError as error:
            raise ToolError(str(error)) from error
        return _compact(search_answer(ranking, top_n, text=text, limits=self.limits))

    def descriptions(self) -> dict[str, str]:
        """What each tool that is offered does, for the model that chooses among tools."""
        limits, offered = self.limits, {}
        if self.reranker is not None:
            offered["rerank"] = (
                "Order documents by their relevance to a query, best first, with a reranking model. "
                "Returns positions in the given list, ids and scores; texts only with return_text. "
                f"At most {limits.documents} documents and {limits.bytes // 1024} KiB in a call."
            )
        if self.searcher is not None:
            how = "BM25, reranked by a model" if self.searcher.reranker is not None else "BM25"
            offered["search"] = (
                f"Search a corpus of {len(self.searcher.index)} documents for a query ({how}). "
                f"Returns ids, titles, scores and the first {limits.characters} characters of each text, best first."
            )
        return offered


class InstructedTools(Tools):
    """The same tools for rerankers that follow an instruction: only there it is an argument."""

    async def rerank(
        self,
        *,
        query: _Query,
        documents: _Documents,
        top_n: _TopN = 10,
        return_text: _ReturnText = False,
        instruction: _Instruction = "",
    ) -> Annotated[CallToolResult, RerankAnswer]:
        return await self._reranked(query, documents, top_n, text=return_text, instruction=instruction)

    async def search(
        self, *, query: _Query, top_n: _TopN = 10, return_text: _ReturnText = True, instruction: _Instruction = ""
    ) -> Annotated[CallToolResult, SearchAnswer]:
        return await self._searched(query, top_n, text=return_text, instruction=instruction)


def tools_for(limits: McpLimits, reranker: BaseReranker | None, searcher: Searcher | None) -> Tools:
    """With an instruction as an argument if every reranker here would follow it."""
    rerankers = [one for one in (reranker, None if searcher is None else searcher.reranker) if one is not None]
    follow = bool(rerankers) and not any(one.refuses_instruction() for one in rerankers)
    return (InstructedTools if follow else Tools)(limits, reranker, searcher)


def _compact(answer: BaseModel) -> CallToolResult:
    """Structured, and the same as JSON on one line for hosts that read only text; the SDK's own would have indents."""
    return CallToolResult(
        content=[TextContent(type="text", text=answer.model_dump_json())],
        structured_content=answer.model_dump(mode="json"),
    )
