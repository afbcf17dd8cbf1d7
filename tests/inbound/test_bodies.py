"""What the short path of a webhook does with addresses and bodies that nobody should send."""

from __future__ import annotations

import gzip
import hashlib
import hmac

import pytest
from django.test import Client

from apps.connectors import services as connectors
from apps.inbound.models import InboundRequest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/%00",
        "/hooks/a%00b/",
        "/webhookb2/x/IncomingWebhook/%00/y",
        "/teams/%00",
        "/act/%00",
        "/admin/%00/",
    ],
)
def test_an_address_with_nul_is_an_address_that_is_not_there(path: str) -> None:
    for answer in (Client().get(path), Client().post(path, b"{}", content_type="application/json")):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert "Content-Security-Policy" in answer


@pytest.mark.parametrize("path", ["/admin/", "/admin/inbound/event/", "/sandbox/", "/act/x"])
def test_a_query_with_nul_is_refused(path: str) -> None:
    answer = Client().get(f"{path}?status__exact=%00")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")
    assert "Content-Security-Policy" in answer


@pytest.mark.parametrize(
    ("encoding", "status"), [("gzip", 415), ("br", 415), ("GZIP", 415), ("identity", 202), ("", 202)]
)
def test_a_compressed_body_is_refused_with_words_and_not_stored(encoding: str, status: int) -> None:
    row, secret = connectors.create_connector(name="Hello", source="github")
    body = b'{"zen": "Keep it logically awesome."}'
    if status == 415:
        body = gzip.compress(body)
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "ping", "X-Hub-Signature-256": signature, "Content-Encoding": encoding}
    answer = Client().post(f"/hooks/{row.public_id}", body, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    assert InboundRequest.objects.count() == (status == 202)
    if status == 415:
        assert (answer.json()["code"], answer["Accept-Encoding"]) == ("encoding_unsupported", "identity")
        headers["X-Hub-Signature-256"] = "sha256=0"  # who does not sign is not told more
        answer = Client().post(
            f"/hooks/{row.public_id}", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == 401
