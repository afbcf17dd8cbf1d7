"""Schemes against published and own vectors, rotation, and anything at all in the headers."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import PayloadError, VerificationError
from apps.sources import verify
from apps.sources.http import Headers, Http

NOW = dt.datetime(2026, 3, 14, 9, 26, 53, tzinfo=dt.UTC)
SCHEMES = (
    verify.HmacBody(),
    verify.HmacUrlBody(),
    verify.HmacTimestamped(),
    verify.HmacTimestamped(combined=True),
    verify.StandardWebhooks(),
    verify.SharedHeader(),
    verify.Basic(),
    verify.Bearer(),
    verify.QueryToken(),
    verify.ClientState(),
    verify.TeamsHmac(),
)
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_githubs_published_vector_passes() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    http = Http(headers=Headers({"X-HUB-SIGNATURE-256": signature}), body=b"Hello, World!")
    assert verify.HmacBody().verify(http, ["It's a Secret to Everybody"], NOW) == 0


def test_trellos_vector_passes_with_and_without_the_last_slash() -> None:
    http = Http(
        headers=Headers({"x-trello-webhook": "igHLs/nxvH9/+Rap2m5ufB5tMIo="}),
        body=b'{"action":{"type":"updateCard"}}',
        url="https://example.com/hooks/trello/",
    )
    assert verify.HmacUrlBody().verify(http, ["secret"], NOW) == 0


def test_the_standard_webhooks_vector_passes() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,nothing v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    http = Http(headers=Headers(headers), body=b'{"test": 2432232314}')
    then = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    assert verify.StandardWebhooks().verify(http, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], then) == 0
    with pytest.raises(VerificationError, match="five minutes"):
        verify.StandardWebhooks().verify(http, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], NOW)


def test_the_teams_vector_passes() -> None:
    body = (
        '{"type":"message","id":"1700000000000","text":"<at>Connector</at> status é",'
        '"from":{"id":"29:abc","name":"Ada"},"conversation":{"id":"19:x@thread.tacv2;messageid=1"}}'
    ).encode()
    headers = Headers({"authorization": "HMAC jaGDRsznH64lL/YwzpqhDXJ1FtrzSW0YSIpxCy8T5UI="})
    assert verify.TeamsHmac().verify(Http(headers=headers, body=body), [KEY], NOW) == 0


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: type(scheme).__name__)
def test_what_is_signed_verifies_with_any_live_secret_and_no_other(scheme: verify.Scheme) -> None:
    http = Http(body=b'{"value": [{"clientState": "x"}]}', url="https://example.com/hooks/x")
    signed = scheme.sign(http, KEY, NOW)
    assert scheme.verify(signed, ["AAAA", KEY], NOW) == 1
    with pytest.raises(VerificationError) as caught:
        scheme.verify(signed, ["AAAA"], NOW)
    assert KEY not in str(caught.value)
    with pytest.raises(VerificationError):
        scheme.verify(signed, [], NOW)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: type(scheme).__name__)
def test_a_request_without_its_header_fails_closed(scheme: verify.Scheme) -> None:
    with pytest.raises(VerificationError):
        scheme.verify(Http(body=b"{}"), [KEY], NOW)


@given(value=st.text(max_size=60), body=st.binary(max_size=60))
def test_no_header_and_no_body_raises_anything_else(value: str, body: bytes) -> None:
    names = ("x-hub-signature-256", "x-trello-webhook", "x-signature", "x-timestamp", "webhook-id")
    more = ("webhook-timestamp", "webhook-signature", "x-token", "authorization")
    http = Http(headers=Headers(dict.fromkeys((*names, *more), value)), body=body, query=value)
    for prefix in ("", "Basic ", "Bearer ", "HMAC ", "t=1,v1="):
        changed = Http(
            headers=Headers({**http.headers, "authorization": prefix + value}), body=body, query=value
        )
        for scheme in SCHEMES:
            with pytest.raises((VerificationError, PayloadError)):
                scheme.verify(changed, [KEY], NOW)
