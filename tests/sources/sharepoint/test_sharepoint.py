"""SharePoint and Microsoft Graph: the handshake, the secret in the body, and thin news."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.sources.catalog.sharepoint import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.testing import SourceConformance, outcomes
from apps.sources.understand import understand_all


class TestSharePoint(SourceConformance):
    source = SOURCE


@pytest.mark.parametrize("name", ["validationtoken", "validationToken"])
def test_the_token_comes_back_decoded_as_plain_text(name: str) -> None:
    http = Http(query=f"{name}=Validation%3A+Testing+client+%3Cb%3E")
    reply = SOURCE.handshake(http, Context())
    assert reply is not None
    assert (reply.status, reply.body) == (200, "Validation: Testing client <b>")
    assert reply.content_type.startswith("text/plain")
    assert ("X-Content-Type-Options", "nosniff") in reply.headers


def test_an_absurd_token_is_not_echoed() -> None:
    reply = SOURCE.handshake(Http(query="validationToken=" + "x" * 5_000), Context())
    assert reply is not None
    assert reply.status == 400


def test_the_client_state_is_not_stored() -> None:
    body = {"value": [{"clientState": "hush", "resource": "x"}, 7], "validationTokens": ["eyJ"]}
    kept = SOURCE.redact(Http(body=json.dumps(body).encode())).body
    assert b"hush" not in kept
    assert b"eyJ" not in kept
    assert json.loads(kept)["value"][1] == 7


def test_every_notification_of_a_batch_is_an_event() -> None:
    items = [{"changeType": "updated", "resource": f"sites/s/lists/{number}"} for number in range(5)]
    http = Http(headers=Headers({}), body=json.dumps({"value": items}).encode())
    assert [found.event.name for found in outcomes(SOURCE, http)] == ["list.changed"] * 5


def test_the_options_give_words_and_a_page() -> None:
    body = json.dumps({"value": [{"changeType": "updated", "resource": "drives/x/root"}]}).encode()
    options = {"what": "Invoices", "what_url": "https://contoso.sharepoint.com/sites/money"}
    (found,) = understand_all(SOURCE, Http(body=body), Context(options=options))
    assert getattr(found.notification, "title", "") == "Files changed: Invoices"


SUBSCRIPTION = "0fc0d6db-0073-42e5-a186-853da75fb308"
OPAQUE = "AAMkAGUwNjQ4ZjIxLTQ3Y2YtNDViMi1hZjc4LTMzMjJkYWEw"
TENANT = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"


def note(resource: str, kind: str = "", change: str = "created", **more: Any) -> Notification:
    data = {"@odata.type": f"#Microsoft.Graph.{kind}", "@odata.id": resource, "id": OPAQUE} if kind else {}
    item = {
        "subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "changeType": change, "resource": resource,
        "resourceData": {**data, **more.pop("data", {})}, **more,
    }  # fmt: skip
    (found,) = understand_all(SOURCE, Http(body=json.dumps({"value": [item]}).encode()), Context())
    assert isinstance(found.notification, Notification), found.reason
    return found.notification


THIN = [
    # resource, type, title, where
    (f"Users/{TENANT}/Messages/{OPAQUE}", "Message", "Mail created", "Users › messages"),
    (f"Users/{TENANT}/mailFolders('inbox')/messages/{OPAQUE}", "Message", "Mail created",
     "Users › mail folders › inbox › messages"),
    ("teams('a1')/channels('19:4a95@thread.skype')/messages('1565045298604')", "chatMessage", "Channel message created",
     "Teams › channels › messages"),
    ("chats('19:8ea@unq.gbl.spaces')/messages('1612289992105')", "chatMessage", "Chat message created", "Chats › messages"),
    ("teams('f')/channels('19:4')/messages('1')/replies('2')", "chatMessage", "Reply created",
     "Teams › channels › messages › replies"),
    ("communications/onlineMeetings('MSo')/transcripts('MSM')", "callTranscript", "Meeting transcript created",
     "Online meetings › transcripts"),
    ("communications/onlineMeetings('MSo')/recordings('MSM')", "callRecording", "Meeting recording created",
     "Online meetings › recordings"),
    (f"solutions/approval/approvalItems/{OPAQUE}", "approvalItem", "Approval created", ""),
    ("copilot/users/ab/interactionHistory/getAllEnterpriseInteractions", "aiInteraction", "Copilot interaction created", ""),
    ("appCatalogs/teamsApps('x')/installations", "teamsAppInstallation", "App installation created", ""),
]  # fmt: skip


@pytest.mark.parametrize("resource, kind, title, where", THIN, ids=[row[2] for row in THIN])
def test_thin_news_says_what_and_where_and_shows_no_ids(
    resource: str, kind: str, title: str, where: str
) -> None:
    found = note(resource, kind)
    assert found.title == title
    shown = json.dumps(adaptive.render(found).content)
    for hidden in (OPAQUE, TENANT, SUBSCRIPTION, "19:", "('"):
        assert hidden not in shown
    assert [fact.value for fact in found.facts if fact.title == "Where" and fact.value] == (
        [where] if where else []
    )


def test_a_list_is_told_by_its_site() -> None:
    found = note(SUBSCRIPTION, change="updated", siteUrl="/sites/Finance", webId=TENANT)
    assert found.title == "List changed in Finance"
    assert found.container is not None
    assert found.container.title == "Finance"
    root = note(SUBSCRIPTION, change="updated", siteUrl="/", webId=TENANT)
    assert root.title == "List changed"
    assert root.container is not None
    assert root.container.title == "SharePoint"


def test_what_a_notification_does_say_is_shown() -> None:
    presence = note(
        "communications/presences('x')", "presence", "updated", data={"availability": "Away", "isBusy": False}
    )
    assert [(fact.title, fact.value) for fact in presence.facts if fact.value] == [
        ("Availability", "Away"), ("Is busy", "no"),
    ]  # fmt: skip
    members = [{"id": TENANT}, {"id": TENANT, "@removed": "deleted"}, {"id": TENANT, "@removed": "deleted"}]
    group = note(f"Groups/{TENANT}", "Group", "updated", data={"members@delta": members})
    assert [(fact.title, fact.value) for fact in group.facts if fact.value] == [
        ("Members", "1 added, 2 removed")
    ]


def test_a_try_of_the_address_in_the_body_is_known_noise() -> None:
    item = {"subscriptionId": "NA", "resource": "NA", "changeType": "Validation: Testing client reachability"}
    (found,) = understand_all(SOURCE, Http(body=json.dumps({"value": [item]}).encode()), Context())
    assert (found.outcome, found.code) == ("ignored", "known_noise")


def test_a_notification_that_a_relay_passes_on_alone_is_read_without_its_secret() -> None:
    item = {
        "subscriptionId": SUBSCRIPTION,
        "clientState": "hush",
        "resource": "drives/x/root",
        "changeType": "updated",
    }
    http = Http(body=json.dumps(item).encode())
    (found,) = understand_all(SOURCE, http, Context())
    assert found.event.name == "drive.changed"
    assert b"hush" not in SOURCE.redact(http).body


def test_a_subscriptions_end_is_a_moment_that_people_read() -> None:
    found = note(
        "Users/x/messages",
        lifecycleEvent="missed",
        subscriptionExpirationDateTime="2026-04-14T09:26:53.0000000Z",
    )
    assert {fact.title: fact.value for fact in found.facts}["Expires"] == "14 Apr 2026, 09:26 UTC"


def test_a_list_items_columns_have_their_names_and_readable_values() -> None:
    fields = {
        "Title": "Dish", "Due_x0020_date": "2026-03-31T07:00:00Z", "Gr_x00f6__x00df_e": 3.0, "OwnerLookupId": "12",
        "Notes": "<div>Call <b>Mira</b></div>",
    }  # fmt: skip
    item = {"fields": fields, "webUrl": "https://orbit.sharepoint.com/sites/ops/Lists/Dishes/1_.000"}
    (found,) = understand_all(
        SOURCE,
        Http(body=json.dumps({"value": [{"changeType": "created", "item": item}]}).encode()),
        Context(),
    )
    assert isinstance(found.notification, Notification)
    assert [(fact.title, fact.value) for fact in found.notification.facts if fact.value] == [
        ("Due date", "31 Mar 2026, 07:00 UTC"), ("Größe", "3"), ("Notes", "Call Mira"),
    ]  # fmt: skip
