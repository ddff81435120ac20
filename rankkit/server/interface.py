"""The server's interface in OpenAPI 3.1, and as a page that needs no network: no script, no file of anybody else's."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rankkit import __version__
from rankkit.server.dialects.finding import DIALECTS, PATHS, find
from rankkit.server.endpoint import DEADLINE_HEADER
from rankkit.server.settings import Settings

_REFUSALS: Mapping[int, str] = {
    400: "The body is no JSON object, or has a value that makes no sense.",
    401: "A key is needed, or the one that was given is not valid.",
    403: "Pages of other origins may not call.",
    404: "None of several models has this name; the message lists them.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is called something else than JSON, or is compressed.",
    421: "The Host header names no name of this server.",
    422: "There is more of something than is allowed, or it cannot be ranked.",
    429: "The queue is full: see Retry-After.",
    500: "The server failed; its log has more under the request id.",
    502: "A model's endpoint failed.",
    503: "The server is stopping or not ready, or a model's endpoint is not there.",
    504: "The time of the request was over before anything was scored.",
}
_PAGES: Mapping[str, str] = {
    "/health": "Whether the process lives. Needs no key.",
    "/ready": "Whether the models are loaded: 200, else 503. Needs no key.",
    "/v1/models": "The models that are served, in the form of OpenAI.",
    "/info": "The first model and the limits, in the form of text-embeddings-inference.",
    "/metrics": "Counters for Prometheus.",
    "/openapi.json": "This interface.",
}


def as_openapi(models: Sequence[str], settings: Settings) -> dict[str, Any]:
    """A document of OpenAPI. A body that more than one wire format could have is any of theirs."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {path: {"post": _ranking(path, schemas)} for path in PATHS}
    for path, words in _PAGES.items():
        said = {"200": {"description": words}} | (
            {"503": {"description": "Not yet, or no more."}} if path == "/ready" else {}
        )
        security: dict[str, Any] = {"security": []} if path in ("/health", "/ready") else {}
        paths[path] = {"get": {"summary": words, "operationId": f"get{path}", "responses": said} | security}
    limits = settings.limits
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rankkit",
            "version": __version__,
            "description": "Reranking in the wire formats of the rerank services. "
            f"Models: {', '.join(models)}. "
            f"At most {limits.documents} documents and {limits.body_bytes} bytes a request.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
        "security": [{"bearer": []}, {"key": []}, {}],
    }


def _ranking(path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    bodies = [_body(name, schemas) for name in _dialects_of(path)]
    refusals = {str(status): _reply(words, {"type": ["object", "null"]}) for status, words in _REFUSALS.items()}
    return {
        "summary": "Rank documents by their relevance to a query.",
        "operationId": f"post{path}",
        "parameters": [
            _header(DEADLINE_HEADER.title(), "Milliseconds until the reply is due.", {"type": "integer", "minimum": 1}),
            _header("X-Request-Id", "Comes back, and stands in the log, if it is well-formed.", {"type": "string"}),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}},
        },
        "responses": {"200": _reply("The documents, best first.", {"type": ["object", "array"]})} | refusals,
    }


def _dialects_of(path: str) -> Iterable[str]:
    """Those that ``find`` can choose there."""
    shared = path.endswith("/rerank") and find(path, {}, {}) is find("/rerank", {}, {})
    probes: tuple[dict[str, Any], ...] = ({}, {"documents": []}, {"texts": []}, {"input": []})
    by_path = dict.fromkeys(find(path, {}, probe).name for probe in probes)
    return [name for name in DIALECTS if name != "score"] if shared else by_path


def _body(name: str, schemas: dict[str, Any]) -> dict[str, str]:
    kind = DIALECTS[name].body
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[kind.__name__] = {key: value for key, value in schema.items() if key != "description"}
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _header(name: str, words: str, schema: Mapping[str, object]) -> dict[str, object]:
    return {"name": name, "in": "header", "required": False, "description": words, "schema": schema}


def _reply(words: str, schema: Mapping[str, object]) -> dict[str, object]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def as_html(interface: Mapping[str, Any]) -> str:
    """The same for a person."""
    info = {key: html.escape(value) for key, value in interface["info"].items()}
    rows = "".join(
        _section(path, verb, said) for path, verbs in interface["paths"].items() for verb, said in verbs.items()
    )
    schemas = "".join(
        f"<details id='{html.escape(name)}'><summary>{html.escape(name)}</summary><pre>{_json(schema)}</pre></details>"
        for name, schema in interface["components"]["schemas"].items()
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>rankkit</title><style>"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "code,pre{font:14px/1.4 monospace}pre{background:#8881;padding:.5rem;overflow:auto}summary{cursor:pointer}"
        f"</style><h1>{info['title']} {info['version']}</h1><p>{info['description']}"
        f"<p>For programs: <a href='openapi.json'>openapi.json</a><h2>Paths</h2>{rows}<h2>Bodies</h2>{schemas}</html>"
    )


def _section(path: str, verb: str, said: Mapping[str, Any]) -> str:
    replies = "".join(
        f"<li>{status}: {html.escape(reply['description'])}" for status, reply in said["responses"].items()
    )
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    names = [one["$ref"].rpartition("/")[2] for one in content.get("anyOf", [content] if content else [])]
    links = ", ".join(f"<a href='#{html.escape(name)}'>{html.escape(name)}</a>" for name in names)
    return (
        f"<details><summary><code>{verb.upper()} {html.escape(path)}</code> {html.escape(said['summary'])}</summary>"
        f"{f'<p>Body: {links}' if links else ''}<ul>{replies}</ul></details>"
    )


def _json(value: object) -> str:
    return html.escape(json.dumps(value, indent=2, ensure_ascii=False))
