"""The OpenAPI document and its page: true, whole, and in need of no network."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from rankkit.server.dialects import PATHS
from tests.server.plain import app


@pytest.fixture(scope="module")
def interface() -> dict[str, Any]:
    return TestClient(app(), base_url="http://127.0.0.1:8000").get("/openapi.json").json()


def bodies(interface: dict[str, Any], path: str) -> set[str]:
    schema = interface["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema])}


def test_each_path_is_there_with_the_bodies_that_it_takes(interface):
    assert interface["openapi"] == "3.1.0"
    assert set(PATHS) < interface["paths"].keys()
    assert bodies(interface, "/v2/rerank") == {"CohereV2Body"}
    assert {"TeiBody", "VoyageBody", "CohereV1Body"} <= bodies(interface, "/rerank")
    assert bodies(interface, "/rerank") == bodies(interface, "/v1/rerank")
    assert bodies(interface, "/score") == {"ScoreBody"}


def test_references_lead_somewhere_and_schemas_are_schemas(interface):
    schemas = interface["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in re.findall(r"'#/components/schemas/(\w+)'", str(interface)):
        assert name in schemas
    operations = [one["operationId"] for verbs in interface["paths"].values() for one in verbs.values()]
    assert len(set(operations)) == len(operations)


def test_the_page_needs_nothing_from_elsewhere():
    reply = TestClient(app(), base_url="http://127.0.0.1:8000").get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "<script" not in reply.text and "http://" not in reply.text and "https://" not in reply.text
    assert all(path in reply.text for path in PATHS)
