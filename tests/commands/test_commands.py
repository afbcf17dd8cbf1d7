"""Commands from Teams: verified on the raw bytes, carried out once, answered with a card."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.api.models import ApiToken
from apps.channels.models import Channel, Team
from apps.commands import parser, services
from apps.commands.models import ChatUser, CommandEndpoint, CommandUse
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Subscription
from apps.core.errors import PayloadError
from apps.core.models import AuditEntry
from apps.deliveries.models import Delivery
from apps.inbound import pipeline
from apps.inbound import services as inbound
from apps.inbound.models import Event

TOKEN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # the documented example


@pytest.fixture
def endpoint() -> CommandEndpoint:
    team = Team.objects.create(name="Platform")
    channel = Channel.objects.create(team=team, name="General")
    connector, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(connector, channel, events=["*"])
    return services.create_endpoint("Connector", team, TOKEN)


def ask(
    endpoint: CommandEndpoint,
    text: str,
    number: str = "",
    token: str = TOKEN,
    sender: dict[str, str] | None = None,
    **extra: object,
) -> Any:
    activity = {
        "type": "message",
        "id": number or f"{timezone.now().timestamp()}",
        "timestamp": timezone.now().isoformat(),
        "text": f"<at>Connector</at> {text}",
        "from": sender or {"id": "29:abc", "name": "Ada"},
        "conversation": {"id": "19:x@thread.tacv2;messageid=1"},
        **extra,
    }
    raw = json.dumps(activity).encode()
    digest = base64.b64encode(hmac.new(base64.b64decode(token), raw, hashlib.sha256).digest()).decode()
    path = endpoint.url.partition("/teams/")[2]
    return Client().post(
        f"/teams/{path}", raw, content_type="application/json", headers={"Authorization": f"HMAC {digest}"}
    )


def said(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return json.dumps(attachment["content"], ensure_ascii=False)


@pytest.mark.django_db
def test_the_documented_signature_is_the_one_that_is_checked(endpoint: CommandEndpoint) -> None:
    body = (
        '{"type":"message","id":"1700000000000","text":"<at>Connector</at> status é","from":{"id":"29:abc",'
        '"name":"Ada"},"conversation":{"id":"19:x@thread.tacv2;messageid=1"}}'
    ).encode()
    answer = Client().post(
        f"/teams/{endpoint.public_id}/", body, content_type="application/json",
        headers={"Authorization": "HMAC jaGDRsznH64lL/YwzpqhDXJ1FtrzSW0YSIpxCy8T5UI="},
    )  # fmt: skip
    assert "Platform" in said(answer)


@pytest.mark.django_db
def test_a_wrong_signature_an_old_message_and_a_strange_address_are_refused(
    endpoint: CommandEndpoint,
) -> None:
    wrong = base64.b64encode(b"another token of 32 bytes .....").decode()
    assert ask(endpoint, "status", token=wrong).status_code == 401
    old = (timezone.now() - dt.timedelta(minutes=11)).isoformat()
    assert ask(endpoint, "status", timestamp=old).json()["code"] == "stale"
    assert Client().post("/teams/unknown").status_code == 404
    assert Client().get(f"/teams/{endpoint.public_id}").status_code == 405
    assert CommandUse.objects.count() == 0


@pytest.mark.django_db
def test_help_names_every_command_and_a_typo_gets_the_nearest(endpoint: CommandEndpoint) -> None:
    text = said(ask(endpoint, "help"))
    for name in ("status", "list", "subscribe", "mute", "replay", "search"):
        assert name in text
    assert "Did you mean “status”" in said(ask(endpoint, "statsu"))
    # The sources are commands too.
    assert "Did you mean “github”" in said(ask(endpoint, "githbu close octo/hello#3"))
    assert "What you can ask" in said(ask(endpoint, ""))


@pytest.mark.django_db
def test_whoever_is_unknown_may_ask_but_not_change(endpoint: CommandEndpoint) -> None:
    assert "Repository" in said(ask(endpoint, "list"))
    refused = said(ask(endpoint, "mute Repository 2h"))
    assert "29:abc" in refused
    assert "Chat users" in refused
    ChatUser.objects.create(teams_id="29:abc", role="operator")
    assert "is muted until" in said(ask(endpoint, "mute &quot;Repository&quot;&nbsp;2h"))
    assert Subscription.objects.get().muted_until is not None
    said(ask(endpoint, "unmute Repository"))
    assert Subscription.objects.get().muted_until is None


@pytest.mark.django_db
def test_the_first_use_by_somebody_unknown_says_how_to_be_linked(endpoint: CommandEndpoint) -> None:
    first = said(ask(endpoint, "status"))
    assert "You are not linked yet" in first
    assert "29:abc" in first
    assert "/admin/commands/chatuser/add/?teams_id=29%3Aabc&name=Ada" in first
    assert "not linked" not in said(ask(endpoint, "status"))
    assert "/admin/commands/chatuser/add/" in said(ask(endpoint, "mute Repository"))
    ChatUser.objects.create(teams_id="29:abc", role="viewer")
    assert "/admin/" not in said(ask(endpoint, "mute Repository"))


@pytest.mark.django_db
def test_somebody_is_known_by_the_id_that_is_the_same_for_every_outgoing_webhook(
    endpoint: CommandEndpoint,
) -> None:
    entra = "8f9d2a61-0000-4000-8000-1234567890ab"
    sender = {"id": "29:other", "name": "Ada", "aadObjectId": entra}
    assert f"teams_id={entra}" in said(ask(endpoint, "status", sender=sender))
    ChatUser.objects.create(teams_id=entra, role="operator")
    assert "is muted until" in said(ask(endpoint, "mute Repository", sender=sender))


@pytest.mark.django_db
def test_a_channel_of_teams_is_named_once_and_is_this_channel_from_then_on(endpoint: CommandEndpoint) -> None:
    ChatUser.objects.create(teams_id="29:abc", role="admin")
    other = Channel.objects.create(team=Team.objects.get(), name="Build room")
    asked = said(ask(endpoint, "subscribe Repository push"))
    assert "There are: Build room, General" in asked
    assert "here CHANNEL" in asked
    assert "There is no such channel" in said(ask(endpoint, "here Nowhere"))
    assert "This is the channel Build room" in said(ask(endpoint, "here “Build room”"))
    assert "This is the channel Build room" in said(ask(endpoint, "here"))
    assert "now goes to Build room" in said(ask(endpoint, "subscribe Repository push"))
    assert Subscription.objects.get(channel=other).events == ["push"]
    # Another reply chain of the same channel is the same channel; another channel is not.
    thread = {"id": "19:x@thread.tacv2;messageid=2"}
    assert "no longer goes to Build room" in said(
        ask(endpoint, "unsubscribe Repository", conversation=thread)
    )
    elsewhere = {"id": "19:y@thread.tacv2;messageid=1"}
    assert "Say which channel" in said(ask(endpoint, "subscribe Repository", conversation=elsewhere))
    said(ask(endpoint, "here General"))
    assert "This is the channel General" in said(ask(endpoint, "here"))
    entry = AuditEntry.objects.get(object_name__contains="19:x", action="created")
    assert (entry.actor_kind, entry.actor_name) == ("teams", "Ada")


@pytest.mark.django_db
def test_the_same_message_acts_once_and_gets_the_same_answer(endpoint: CommandEndpoint) -> None:
    ChatUser.objects.create(teams_id="29:abc", role="operator")
    connector = Connector.objects.get()
    inbound.run_sample(connector, "issues.opened")
    pipeline.process_batch()
    event = Event.objects.get()
    first = said(ask(endpoint, f"replay {event.public_id}", number="7"))
    assert said(ask(endpoint, f"replay {event.public_id}", number="7")) == first
    assert Delivery.objects.filter(origin="replay").count() == 1


@pytest.mark.django_db
def test_a_database_that_is_away_is_told_in_words(
    endpoint: CommandEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(CommandUse, "save", away)
    assert "cannot be answered at the moment" in said(ask(endpoint, "status"))


@pytest.mark.django_db
def test_answers_are_forgotten_with_everything_else_and_who_asked_after_a_year(
    endpoint: CommandEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.commands.views.PRUNE_EVERY", 1)
    now = timezone.now()
    for days in (1, 40, 500):
        use = CommandUse.objects.create(
            endpoint=endpoint, activity_id=f"old-{days}", answer="{}", text="status"
        )
        CommandUse.objects.filter(pk=use.pk).update(at=now - dt.timedelta(days=days))
    said(ask(endpoint, "status", number="now"))
    kept = dict(CommandUse.objects.exclude(activity_id="now").values_list("activity_id", "answer"))
    assert kept == {"old-1": "{}", "old-40": ""}


@pytest.mark.django_db
def test_an_admin_subscribes_and_unsubscribes_by_chat(endpoint: CommandEndpoint) -> None:
    ChatUser.objects.create(teams_id="29:abc", role="admin")
    other = Channel.objects.create(team=Team.objects.get(), name="Build room")
    assert "now goes to Build room" in said(ask(endpoint, "subscribe Repository push issues to “Build room”"))
    assert Subscription.objects.get(channel=other).events == ["push", "issues"]
    assert "no event of GitHub" in said(ask(endpoint, "subscribe Repository nonsense to Build room")).replace(
        "No event", "no event"
    )
    assert "no longer goes" in said(ask(endpoint, "unsubscribe Repository to Build room"))
    assert "There are: Build room, General" in said(ask(endpoint, "subscribe Repository to Nowhere"))


@pytest.mark.django_db
def test_search_finds_only_what_the_team_gets(endpoint: CommandEndpoint) -> None:
    stranger, _ = connectors.create_connector(name="Elsewhere", source="github")
    inbound.run_sample(stranger, "issues.opened")
    pipeline.process_batch()
    assert "Nothing found" in said(ask(endpoint, "search Berth"))
    inbound.run_sample(Connector.objects.get(name="Repository"), "issues.opened")
    pipeline.process_batch()
    assert "Found for" in said(ask(endpoint, "search Berth"))


@pytest.mark.django_db
def test_endpoints_are_made_by_rest_and_never_show_their_token() -> None:
    headers = {"Authorization": f"Bearer {ApiToken.issue('t', 'admin')}"}
    client = Client(headers=headers)
    body = {"name": "Connector", "team": "Platform", "token": TOKEN}
    made = client.post("/api/v1/command-endpoints/", body, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (201, "waiting")
    assert TOKEN not in made.content.decode()
    assert made.json()["url"].endswith(f"/teams/{made.json()['id']}")
    bad = client.post(
        "/api/v1/command-endpoints/", {**body, "token": "not base64!"}, content_type="application/json"
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_token")
    path = f"/api/v1/command-endpoints/{made.json()['id']}/"
    assert client.patch(path, {"paused": True}, content_type="application/json").json()["state"] == "paused"
    assert TOKEN not in client.get("/api/v1/command-endpoints/").content.decode()
    assert client.delete(path).status_code == 204


@pytest.mark.parametrize(
    "text, words",
    [
        ("<at>Connector</at>&nbsp;status", ("status",)),
        ("<at>A B</at> mute “GitHub demo” 2h", ("mute", "GitHub demo", "2h")),
        ("<p><at>X</at> search a &amp; b</p>", ("search", "a", "&", "b")),
        ("help", ("help",)),
        ("", ()),
        # What is not seen, before, within and behind words.
        ("<at>X</at>\u200b\u00a0mute\u2060 \ufeffRepo&#8203; 2h\u00ad", ("mute", "Repo", "2h")),
        ("\u200e<at>X</at>\u202f status\u200d", ("status",)),
        ("&nbsp;<p>\n<at id=\"0\">Connector</at>&nbsp;&nbsp;status</p>\n", ("status",)),
        # A name of two words is told in two pieces.
        ("<at>Teams</at>&nbsp;<at>Connector</at> list", ("list",)),
        ('<span itemscope itemtype="http://schema.skype.com/Mention" itemid="0">X</span>&nbsp;list', ("list",)),
        # Quotes of telephones and of other languages, around an argument and within words.
        ("mute „GitHub Demo“ 2h", ("mute", "GitHub Demo", "2h")),
        ("mute «GitHub Demo» 2h", ("mute", "GitHub Demo", "2h")),
        ("search it’s 5″ “wide", ("search", "it’s", "5″", "“wide")),
        # Links, emoji, somebody else's name and bold text keep what a person sees of them.
        ('search <a href="https://x.example/?a=1&amp;b=2" title="x">https://x.example</a>',
         ("search", "https://x.example")),
        ('search <img alt="\U0001f44d" src="https://statics.teams.cdn.office.net/x.png" itemtype="x"> up',
         ("search", "\U0001f44d", "up")),
        ("assign a#1 <at>Ada</at>", ("assign", "a#1", "Ada")),
        ("search <b>to</b>day &lt;b&gt;", ("search", "today", "<b>")),
        ("search \U0001f469\u200d\U0001f52c", ("search", "\U0001f469\u200d\U0001f52c")),
    ],
)  # fmt: skip
def test_text_is_cleaned_as_real_clients_send_it(text: str, words: tuple[str, ...]) -> None:
    assert tuple(each.text for each in parser.words(parser.clean(text))) == words


def said_words(**activity: object) -> tuple[str, ...]:
    message = parser.read({"type": "message", "id": "1", **activity}, timezone.now())
    return tuple(each.text for each in message.words)


MENTION = [
    {"type": "clientInfo"},
    {"type": "mention", "text": "<at>Ops Bot</at>", "mentioned": {"name": "Ops Bot"}},
]


@pytest.mark.parametrize(
    "activity",
    [
        {"text": "<at>Other name</at> status", "entities": MENTION},
        {"text": "Ops Bot status", "entities": MENTION},
        {"text": "@ops bot: status", "entities": MENTION, "textFormat": "plain"},
        {"text": "", "attachments": [{"contentType": "text/html", "content": "<div><div><span itemscope "
         'itemtype="http://schema.skype.com/Mention" itemid="0">Ops Bot</span>&nbsp;status</div></div>'}]},
        {"text": "<at>Ops Bot</at> status", "attachments": [
            {"contentType": "text/html", "content": "<p><at>Ops Bot</at> something else</p>"}]},
    ],
)  # fmt: skip
def test_the_mention_goes_however_the_client_writes_it(activity: dict[str, object]) -> None:
    assert said_words(**activity) == ("status",)


def test_lines_stay_lines() -> None:
    text = "<p><at>X</at> github comment octo/hello#1 First&nbsp; line</p><p>Second<br>third</p>"
    assert parser.clean(text) == "github comment octo/hello#1 First line\nSecond\nthird"


def test_a_message_without_its_own_time_is_judged_by_the_senders() -> None:
    old = (timezone.now() - dt.timedelta(minutes=30)).isoformat()
    with pytest.raises(PayloadError, match="too old"):
        parser.read({"id": "1", "text": "status", "localTimestamp": old}, timezone.now())


KEYS = st.sampled_from(["type", "id", "text", "from", "entities", "timestamp", "name"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(ANYTHING)
def test_any_activity_is_read_or_refused_in_words(activity: Any) -> None:
    with contextlib.suppress(PayloadError):
        assert parser.read(activity, timezone.now()).id
