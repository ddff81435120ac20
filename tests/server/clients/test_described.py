"""The server against its own OpenAPI document: schemathesis makes requests of it, right ones and wrong ones.

``RANKKIT_FUZZ=10000`` makes that many of them in all, about.
"""

from __future__ import annotations

import os

from tests.lanes import needs

needs("clients", "schemathesis", "starlette", "uvicorn")

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from rankkit.server.interface import as_openapi
from rankkit.server.settings import Settings

schema = schemathesis.openapi.from_dict(as_openapi(["mini", "order"], Settings()))
OPERATIONS = len(list(schema.get_all_operations()))
EXAMPLES = max(5, int(os.environ.get("RANKKIT_FUZZ", "250")) // OPERATIONS)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_every_reply_is_as_the_document_says(case, server):
    reply = case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.key}"},
        # A document cannot say that a query has words in it; and who gives a request 1 ms gets a 504.
        excluded_checks=[positive_data_acceptance, not_a_server_error],
    )
    assert reply.status_code < 500 or (reply.status_code == 504 and "X-Rankkit-Deadline-Ms" in case.headers)
