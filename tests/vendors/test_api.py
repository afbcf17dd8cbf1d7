"""The seam between vendor code and the network: signing in, refusals in words, tokens that are kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.connectors import accounts
from apps.connectors.accounts import connect
from apps.core.errors import ConfigurationError
from apps.sources import registry
from apps.sources.accounts import BasicLogin, ClientCredentials, HeaderToken
from apps.sources.api import ApiError, next_link
from tests.vendors.stub import Answer, StubServer

SOURCE = registry.get("github")
TOKEN = HeaderToken("token", "Token")


def test_a_token_goes_into_its_header_and_nowhere_else(stub: StubServer) -> None:
    stub.on("GET", "/user", {"login": "ada"})
    api = connect(SOURCE, TOKEN, stub.url, {"token": "t0k"})
    assert api.get("/user", page=2, none=None).text("$.login") == "ada"
    [call] = stub.calls
    assert call.headers["authorization"] == "Bearer t0k"
    assert call.query == {"page": "2"}


def test_an_empty_user_is_right_for_basic(stub: StubServer) -> None:
    stub.on("GET", "/", {})
    connect(SOURCE, BasicLogin("pat", "Token", user_key=""), stub.url, {"token": "abc"}).get("/")
    assert stub.calls[0].headers["authorization"] == "Basic OmFiYw=="


@pytest.mark.parametrize(
    "status, headers, code",
    [
        (400, {}, "api_invalid"),
        (401, {}, "api_unauthorized"),
        (403, {}, "api_forbidden"),
        (403, {"x-ratelimit-remaining": "0"}, "api_rate_limited"),
        (403, {"retry-after": "30"}, "api_rate_limited"),
        (404, {}, "api_not_found"),
        (409, {}, "api_conflict"),
        (422, {}, "api_invalid"),
        (429, {"retry-after": "7"}, "api_rate_limited"),
        (500, {}, "api_unavailable"),
        (503, {}, "api_unavailable"),
        (302, {"location": "https://elsewhere.example.com/"}, "api_not_found"),
    ],
)
def test_every_refusal_has_a_code_and_words(
    stub: StubServer, status: int, headers: dict[str, str], code: str
) -> None:
    stub.fail("POST", "/x", status, {"message": "no"}, headers=headers)
    with pytest.raises(ApiError) as caught:
        connect(SOURCE, TOKEN, stub.url, {"token": "secret-token"}).post("/x")
    assert caught.value.code == code
    assert "secret-token" not in caught.value.public_message
    assert stub.url not in caught.value.public_message


def test_a_wait_is_read_in_seconds(stub: StubServer) -> None:
    stub.fail("GET", "/x", 429, {}, headers={"Retry-After": "7"})
    with pytest.raises(ApiError) as caught:
        connect(SOURCE, TOKEN, stub.url, {}).get("/x")
    assert caught.value.retry_after == 7
    assert caught.value.temporary


def test_pages_follow_links_on_the_same_server_only(stub: StubServer) -> None:
    links = {"1": f'<{stub.url}/list?page=2>; rel="next"', "2": '<https://evil.example.com/list>; rel="next"'}
    stub.on("GET", "/list", lambda call: Answer(200, [1], {"Link": links[call.query.get("page", "1")]}))
    pages = connect(SOURCE, TOKEN, stub.url, {"token": "t"}).pages("/list")
    assert next(pages).count("$") == 1
    assert next(pages).count("$") == 1
    with pytest.raises(ApiError):
        next(pages)


def test_an_oauth_token_is_fetched_once_and_anew_when_it_was_ended_early(stub: StubServer) -> None:
    given: list[str] = []

    def token(call: Any) -> dict[str, object]:
        assert call.body["grant_type"] == "client_credentials"
        given.append(f"t{len(given)}")
        return {"access_token": given[-1], "expires_in": 3600}

    stub.on("POST", "/token", token)
    stub.on("GET", "/me", {"ok": True})
    kind = ClientCredentials("app", "App", token_url="{base}/token", scope="a b")
    api = connect(SOURCE, kind, stub.url, {"client_id": "i", "client_secret": "s"}, key=("test", stub.url))
    api.get("/me")
    api.get("/me")
    assert given == ["t0"]
    stub.fail("GET", "/me", 401)
    api.get("/me")
    assert given == ["t0", "t1"]
    assert stub.calls[-1].headers["authorization"] == "Bearer t1"


def test_a_sign_in_service_that_says_no_is_told_in_words(stub: StubServer) -> None:
    stub.on("POST", "/token", {"error": "invalid_client", "error_description": "Unknown app."}, status=400)
    kind = ClientCredentials("app", "App", token_url="{base}/token")
    with pytest.raises(ApiError, match="Unknown app") as caught:
        connect(SOURCE, kind, stub.url, {"client_id": "i", "client_secret": "s"}).get("/me")
    assert caught.value.code == "api_unauthorized"


@pytest.mark.django_db
def test_an_end_that_the_product_does_not_tell_may_be_given(stub: StubServer) -> None:
    stub.on(
        "GET", "/_apis/connectionData", {"authenticatedUser": {"id": "me", "providerDisplayName": "Robot"}}
    )
    stub.on("GET", "/_apis/projects", {"count": 1})
    values = {"token": "pat", "ends": "2027-03-31"}
    row = accounts.save(name="PAT", source="azure_devops", api_url=stub.url, values=values)
    assert accounts.test(row).expires_at == dt.datetime(2027, 3, 31, 23, 59, tzinfo=dt.UTC)
    assert row not in accounts.expiring(dt.datetime(2027, 3, 1, tzinfo=dt.UTC))
    assert row in accounts.expiring(dt.datetime(2027, 3, 20, tzinfo=dt.UTC))
    with pytest.raises(ConfigurationError, match="2027-03-31"):
        accounts.save(name="PAT", source="azure_devops", api_url=stub.url, values={**values, "ends": "soon"})


def test_a_server_that_is_not_there_is_a_temporary_failure(settings: Any) -> None:
    settings.DESTINATION_ALLOW = ["127.0.0.1/32"]
    with pytest.raises(ApiError) as caught:
        connect(SOURCE, TOKEN, "http://127.0.0.1:9", {}).get("/")
    assert caught.value.code == "api_unavailable"


@pytest.mark.parametrize(
    "header, address",
    [
        ("", ""),
        ('<https://a/b?page=2>; rel="next", <https://a/b?page=9>; rel="last"', "https://a/b?page=2"),
        ('<https://a/b?page=1>; rel="prev"', ""),
    ],
)
def test_next_links(header: str, address: str) -> None:
    assert next_link(header) == address
