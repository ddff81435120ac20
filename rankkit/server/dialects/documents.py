"""The documents of a body as texts: strings as they are, objects by their fields, in the order in which these came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import WithJsonSchema

from rankkit.server.dialects.refusing import refused, seen

#: Names of a document, not words of it.
_NAMES = frozenset({"id", "_id"})
#: What only models that see can read.
_IMAGES = frozenset({"image", "image_url", "image_base64", "multi_modal"})
_NO_IMAGES = "images are not read: give the document a text"

_STRING, _OBJECT = {"type": "string"}, {"type": "object"}
#: Lists of documents as the interface shows them; what is in them is looked at one by one, which gives better words.
Texts = Annotated[list[Any], WithJsonSchema({"type": "array", "items": _STRING})]
Documents = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {"anyOf": [_STRING, _OBJECT]}})]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The texts, one for each document, and what was left out of them."""

    texts: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Renderer:
    """Reads the documents of the field ``key``. ``rank_fields`` are the fields of objects that are read, in this
    order; without them it is ``text`` where there is one, and else every field.
    """

    key: str = "documents"
    takes_objects: bool = True
    takes_lists: bool = False
    takes_null: bool = False
    rank_fields: tuple[str, ...] = ()

    def render(self, documents: Sequence[Any]) -> Rendered:
        """Raises:
        WireError: a document that is no text, nor anything that has one here.
        """
        # As keys, for each is said once, in order.
        warnings: dict[str, None] = {}
        texts = tuple(self._text(document, f"{self.key}.{at}", warnings) for at, document in enumerate(documents))
        if self.rank_fields and not any(isinstance(document, Mapping) for document in documents):
            warnings["rank_fields has no meaning for documents that are strings"] = None
        return Rendered(texts, tuple(warnings))

    def _text(self, document: Any, path: str, warnings: dict[str, None]) -> str:
        if isinstance(document, str):
            return document
        if document is None and self.takes_null:
            return ""
        if isinstance(document, Mapping) and self.takes_objects:
            return self._object(document, path, warnings)
        if isinstance(document, list) and self.takes_lists:
            return _parts(document, path)
        kinds = "a string or an object" if self.takes_objects else "a string"
        raise refused(path, f"a document is {kinds} (seen: {seen(document)})")

    def _object(self, document: Mapping[str, Any], path: str, warnings: dict[str, None]) -> str:
        if self.rank_fields:
            return self._chosen(document, path)
        if isinstance(content := document.get("content"), list):
            return _parts(content, f"{path}.content")
        words = {key: value for key, value in document.items() if key not in _IMAGES}
        if images := document.keys() & _IMAGES:
            if not words:
                raise refused(path, _NO_IMAGES)
            if any(document[key] is not None for key in images):
                warnings["images of documents are not read"] = None
        if isinstance(text := document.get("text"), str):
            if words.keys() - _NAMES - {"text"}:
                warnings["of documents with a `text` no other field is read; rank_fields says which ones are"] = None
            return text
        return _lines(words)

    def _chosen(self, document: Mapping[str, Any], path: str) -> str:
        found = {name: value for name in self.rank_fields if (value := _inside(document, name)) is not None}
        if not found:
            raise refused(path, f"the document has none of the rank_fields {', '.join(self.rank_fields)}")
        return _lines(found)


def _inside(document: Mapping[str, Any], name: str) -> Any:
    """A field by its name, or by a path with dots, as Mixedbread and Pinecone have them."""
    value: Any = document
    if name in document:
        return document[name]
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _lines(fields: Mapping[str, Any]) -> str:
    """One field as its value, several as a line ``name: value`` each."""
    words = {key: _words(value) for key, value in fields.items() if value is not None}
    if len(words) == 1:
        return next(iter(words.values()))
    return "\n".join(f"{key}: {value}" for key, value in words.items())


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parts(parts: Sequence[Any], path: str) -> str:
    """The texts of a document in parts: strings, or objects of OpenAI's form, ``{"type": "text", "text": ...}``."""
    texts = []
    for at, part in enumerate(parts):
        text = part.get("text") if isinstance(part, Mapping) else part
        if not isinstance(text, str):
            raise refused(f"{path}.{at}", f"a part of a document is a text; {_NO_IMAGES}")
        texts.append(text)
    return "\n".join(texts)
