"""What the bodies of all wire formats have in common: a query, documents under some key, a limit under another.

A dialect's body is a subclass that says its keys and what they mean. Wrong types are refused in words. ``null`` is the
same as a field that is not there. A field without a meaning here becomes a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from rankkit.core.printing import clip
from rankkit.server.dialects.documents import Rendered, Renderer
from rankkit.server.dialects.refusing import refused, seen
from rankkit.server.exchange import ScoreForm, WireRequest

#: How many unknown fields are named.
_NAMED = 8
#: Values that ask for nothing in any field that is not known: a switch that is off, nothing at all.
_ASKS_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


class Body(BaseModel):
    """A body; subclasses name their keys and override what is different."""

    model_config = ConfigDict(strict=True, extra="allow")

    query: str
    model: str | None = None
    instruction: str | None = None
    instruct: str | None = None
    raw_scores: bool | None = None

    #: Under which keys the documents and the limit are, and what a limit of 0 and one below 0 ask for.
    documents_key: ClassVar[str] = "documents"
    limit_key: ClassVar[str] = "top_n"
    tokens_key: ClassVar[str] = "max_tokens_per_doc"
    zero: ClassVar[Literal["refused", "all", "none"]] = "refused"
    negative: ClassVar[Literal["refused", "all"]] = "refused"
    takes_objects: ClassVar[bool] = True
    takes_lists: ClassVar[bool] = False
    takes_null: ClassVar[bool] = False
    takes_no_documents: ClassVar[bool] = True
    #: Whether clients need every document in the reply.
    complete: ClassVar[bool] = False
    #: Other values with which a field that has no meaning here asks for nothing.
    asks_nothing: ClassVar[Mapping[str, tuple[Any, ...]]] = MappingProxyType({})
    #: What is said of certain fields that have no meaning here, in place of the usual words.
    said: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def request(self) -> WireRequest:
        """Raises:
        WireError: a value that does not make sense, though its type is right.
        """
        if not self.query.strip():
            raise refused("query", "a query has words in it (seen: an empty one)")
        originals = self.originals()
        if not originals and not self.takes_no_documents:
            raise refused(self.documents_key, "there are no documents: give at least 1", "empty")
        rendered = self.rendered(originals)
        return WireRequest(
            query=self.query,
            documents=rendered.texts,
            originals=originals,
            model=self.model or None,
            top_n=self.wanted(),
            return_documents=self.returned(),
            score_form=self.form(),
            instruction=self.instruction or self.instruct or None,
            max_tokens_per_doc=self.tokens_per_document(),
            complete=self.complete,
            options=self.options(),
            warnings=(*rendered.warnings, *self.warnings()),
        )

    def field(self, name: str) -> Any:
        """A field that this format has: pydantic hands out the others too, which nothing has checked."""
        return getattr(self, name) if name in type(self).model_fields else None

    def originals(self) -> tuple[Any, ...]:
        return tuple(self.field(self.documents_key))

    def rendered(self, documents: tuple[Any, ...]) -> Rendered:
        return Renderer(
            key=self.documents_key,
            takes_objects=self.takes_objects,
            takes_lists=self.takes_lists,
            takes_null=self.takes_null,
            rank_fields=tuple(self.field("rank_fields") or ()),
        ).render(documents)

    def wanted(self) -> int | None:
        """How many results the limit asks for: none for all of them."""
        limit: int | None = self.field(self.limit_key)
        if limit is None or limit > 0:
            return limit
        meaning = self.zero if limit == 0 else self.negative
        if meaning == "refused":
            raise refused(self.limit_key, f"it is 1 or more, or left out for all documents (seen: {seen(limit)})")
        return None if meaning == "all" else 0

    def tokens_per_document(self) -> int | None:
        """At how many tokens a document is cut; 0 is no cut."""
        limit: int | None = self.field(self.tokens_key)
        if limit is not None and limit < 0:
            raise refused(self.tokens_key, f"it is 0 or more (seen: {seen(limit)})")
        return limit or None

    def returned(self) -> bool:
        """Whether the documents stand in the reply."""
        return bool(self.field("return_documents"))

    def form(self) -> ScoreForm:
        return "raw" if self.raw_scores else "promised"

    def options(self) -> Mapping[str, Any]:
        """What the reply needs again."""
        return {}

    def warnings(self) -> tuple[str, ...]:
        """A sentence for each field that was left aside."""
        aside = [
            key
            for key, value in (self.__pydantic_extra__ or {}).items()
            if value not in _ASKS_NOTHING and value not in self.asks_nothing.get(key, ())
        ]
        words = [
            self.said.get(key, f"{clip(key, 40)} has no meaning here and was left aside") for key in aside[:_NAMED]
        ]
        more = [f"{len(aside) - _NAMED} more fields have no meaning here"] if len(aside) > _NAMED else []
        both = ["instruct was left aside: there is an instruction"] if self.instruction and self.instruct else []
        return (*words, *more, *both)
