"""Which dialect a body speaks, and the answer that its sender waits for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.cards import adaptive, limits
from apps.cards.notification import Card, Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.incoming_webhook import SOURCE
from apps.sources.catalog.incoming_webhook.reader import read
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Understood
from apps.sources.testing import outcomes

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SLACK_AGENT = {"user-agent": "python-slackclient/3"}


def http(body: object, content_type: str = JSON, **headers: str) -> Http:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Http(headers=Headers({"content-type": content_type, **headers}), body=raw)


def answer(request: Http) -> tuple[int, str]:
    refused = SOURCE.handshake(request, Context())
    reply = refused or SOURCE.acknowledge(request)
    return reply.status, reply.body


def only(request: Http) -> Understood:
    (found,) = outcomes(SOURCE, request)
    return found


def shown(request: Http) -> str:
    found = only(request).notification
    card = adaptive.render(found) if isinstance(found, Notification) else found
    assert isinstance(card, Card)
    return json.dumps(card.content, ensure_ascii=False)


BARE = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "Hi"}]}


@pytest.mark.parametrize(
    ("body", "name", "status", "text"),
    [
        ({"text": "Hi"}, "text", 200, "1"),
        ({"title": "Hi"}, "messagecard", 200, "1"),
        ({"title": "Hi", "text": "there"}, "messagecard", 200, "1"),
        ({"@type": "MessageCard", "summary": "Hi"}, "messagecard", 200, "1"),
        ({"@type": "ActionCard", "Title": "Hi"}, "messagecard", 200, "1"),
        ({"Sections": [{"activityTitle": "Hi"}]}, "messagecard", 200, "1"),
        ({"type": "message", "attachments": [{"contentType": "x/adaptive", "content": BARE}]}, "adaptive_card", 202, ""),
        ({"attachments": [{"content": BARE}]}, "adaptive_card", 202, ""),
        ({"attachments": {"content": json.dumps(BARE)}}, "adaptive_card", 202, ""),
        ({"@type": "MessageCard", "summary": "x", "attachments": [{"content": BARE}]}, "adaptive_card", 202, ""),
        (BARE, "adaptive_card", 202, ""),
        ({"card": BARE}, "adaptive_card", 202, ""),
        ({"type": "message", "text": "Hi"}, "text", 202, ""),
        ({"text": "Hi", "username": "bot"}, "slack", 200, "ok"),
        ({"text": "see <https://a.example|Hi>"}, "slack", 200, "ok"),
        ({"attachments": [{"color": "good", "text": "Hi"}]}, "slack", 200, "ok"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Hi"}}]}, "slack", 200, "ok"),
        ({"username": "bot", "content": "Hi"}, "discord", 204, ""),
        ({"embeds": [{"title": "Hi"}]}, "discord", 204, ""),
        ({"message": "Hi"}, "text", 200, "1"),
        ({"event": "Hi", "count": 3}, "generic", 202, ""),
        ({"version": "1.0", "title": "Hi", "message": "there", "attachments": [], "type": "info"}, "generic", 202, ""),
    ],
)  # fmt: skip
def test_every_dialect_is_told_and_answered_in_its_own_way(
    body: dict[str, Any], name: str, status: int, text: str
) -> None:
    request = http(body)
    assert only(request).event.name == name
    assert answer(request) == (status, text)
    assert "Hi" in shown(request)


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (http(b""), 400, "Bad payload received by generic incoming webhook."),
        (http(b"{"), 400, "Bad payload received by generic incoming webhook."),
        (http(b"7"), 400, "Bad payload received by generic incoming webhook."),
        (http([]), 400, "Bad payload received by generic incoming webhook."),
        (http({}), 400, "Summary or Text is required."),
        (http({"text": ""}), 400, "Summary or Text is required."),
        (http({"@type": "MessageCard", "themeColor": "ff0000"}), 400, "Summary or Text is required."),
        (http(b"payload=%7B", FORM), 400, "invalid_payload"),
        (http({"username": "bot"}), 400, "no_text"),
        (http(b"{", **SLACK_AGENT), 400, "invalid_payload"),
        (http({}, **SLACK_AGENT), 400, "no_text"),
    ],
)
def test_bad_input_is_refused_in_the_dialects_words(request_: Http, status: int, text: str) -> None:
    assert answer(request_) == (status, text)
    with pytest.raises(PayloadError):
        outcomes(SOURCE, request_)


def test_an_empty_envelope_and_an_empty_discord_message_have_json_errors() -> None:
    status, text = answer(http({"type": "message", "attachments": []}))
    assert (status, json.loads(text)["error"]["code"]) == (400, "InvalidRequestContent")
    status, text = answer(http({"embeds": []}))
    assert (status, json.loads(text)["code"]) == (400, 50006)


@pytest.mark.parametrize(
    "request_",
    [
        http(b"Hi there", "text/plain"),
        http(b"Hi there", ""),
        http(b"Hi there", FORM),
        http(b'{"text": "Hi there"}', FORM),
        http(b"text=Hi+there", FORM),
        http(b"{'text': 'Hi there',}"),
        http(b'{text: "Hi there"} // from a script'),
        http(b'{"text": "Hi\n\tthere"}'),
        http(b"\xef\xbb\xbf" + b'{"text": "Hi there"}'),
        http('{"text": "Hi there"}'.encode("utf-16")),
        http(json.dumps('{"text": "Hi there"}').encode()),
        http(b'"Hi there"'),
    ],
)
def test_plain_text_and_careless_json_are_read(request_: Http) -> None:
    assert answer(request_) == (200, "1")
    assert "Hi" in shown(request_)
    assert "there" in shown(request_)


def test_a_form_of_several_parts_is_read() -> None:
    lines = (
        "--x",
        'Content-Disposition: form-data; name="payload"',
        "",
        '{"text": "Hi", "username": "a"}',
        "--x--",
        "",
    )
    request = http("\r\n".join(lines).encode(), "multipart/form-data; boundary=x")
    assert answer(request) == (200, "ok")
    assert "Hi" in shown(request)


def test_a_shell_check_for_the_old_error_gets_it() -> None:
    assert answer(http(b"{'text':''}")) == (400, "Summary or Text is required.")


def test_an_old_code_page_is_read() -> None:
    assert "Grüße" in shown(http('{"text": "Grüße"}'.encode("cp1252")))


def test_several_attachments_are_several_cards() -> None:
    cards = [{"contentType": "application/vnd.microsoft.card.adaptive", "content": BARE}] * 3
    assert len(outcomes(SOURCE, http({"type": "message", "attachments": cards}))) == 3


def test_the_senders_name_stands_on_top_and_mentions_can_be_switched_off() -> None:
    body = {
        "type": "AdaptiveCard",
        "body": [{"type": "TextBlock", "text": "<at>Ada</at>"}],
        "msteams": {
            "entities": [
                {"type": "mention", "text": "<at>Ada</at>", "mentioned": {"id": "a@b.example", "name": "Ada"}}
            ]
        },
    }
    (event,) = SOURCE.parse(http(body), Context())
    card = SOURCE.notify(event, Context(options={"sender": "Nagios *1*", "mentions": False}))
    assert isinstance(card, Card)
    assert card.content["body"][0]["text"] == "Nagios \\*1\\*"  # type: ignore[index]
    assert "entities" not in json.dumps(card.content)
    kept = SOURCE.notify(event, Context())
    assert isinstance(kept, Card)
    assert "<at>Ada</at>" in json.dumps(kept.content)


def test_filters_know_the_format_the_title_and_the_channel() -> None:
    (event,) = SOURCE.parse(http({"channel": "#ops", "username": "bot", "text": "Hi"}), Context())
    facts = SOURCE.attributes(event, Context())
    assert (facts["format"], facts["channel"], facts["sender"], facts["title"]) == (
        "slack",
        "#ops",
        "bot",
        "Hi",
    )


def test_the_header_scheme_is_offered() -> None:
    assert [scheme.strength for scheme in SOURCE.schemes] == ["weak", "shared"]


WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        "text title summary sections facts name value themeColor potentialAction @type type message attachments "
        "content contentType blocks fields elements actions url targets uri embeds body items columns rows cells "
        "images image_url inlines version AdaptiveCard MessageCard msteams entities color accessory activityTitle "
        "activityImage heroImage fallback selectAction card Action.ShowCard Container ColumnSet Table FactSet "
        "RichTextBlock rich_text section alerts labels header",
    )
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | WORDS
KEYS = WORDS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=40,
)


def outcomes_or_none(request: Http) -> list[Understood]:
    try:
        return outcomes(SOURCE, request)
    except PayloadError as error:
        return [] if error.code != "source_failed" else pytest.fail(error.public_message)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(WORDS, VALUES, max_size=8) | VALUES,
    st.sampled_from([JSON, FORM, "multipart/form-data; boundary=x", "text/plain", ""]),
)
def test_any_json_ends_in_one_of_the_three_outcomes(value: object, content_type: str) -> None:
    request = http(value, content_type)
    assert answer(request)[0] in (200, 202, 204, 400)
    for item in outcomes_or_none(request):
        assert item.code != "source_failed", item.reason
        if item.notification is not None:
            card = (
                item.notification
                if isinstance(item.notification, Card)
                else adaptive.render(item.notification)
            )
            assert limits.check(card.content) == []
            assert card.summary.strip()
            json.dumps(card.content, allow_nan=False).encode()


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([JSON, FORM, "multipart/form-data; boundary=x", "text/plain", ""]),
)
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str) -> None:
    found = read(http(body, content_type))
    assert bool(found.parts) != bool(found.problem)
