"""The preview and the backtest in the admin: what stands in a form is tried, nothing of it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from apps.connectors.models import Connector, Subscription
from apps.deliveries.models import Delivery
from apps.inbound import saved
from apps.inbound.models import Event, InboundRequest, SavedSample
from tests.inbound.test_backtest import connector, take_in

pytestmark = pytest.mark.django_db
__all__ = ["connector"]


def signed_in(role: str) -> Client:
    user = User.objects.create_user(role, password="a long password")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, about: str, key: str, material: str, **fields: Any) -> Any:
    data = {"preview_about": about, "preview_key": key, "preview_material": material, **fields}
    return client.post(reverse("admin:preview"), data)


def rules(**more: Any) -> dict[str, Any]:
    row = Subscription.objects.get()
    return {
        "channel": row.channel_id,
        "enabled": "on",
        "events": [],
        "patterns": "*",
        "conditions": "",
        **more,
    }


def test_the_verdict_follows_the_form_and_nothing_is_saved(connector: Connector) -> None:
    take_in(connector, "The door squeaks", "renovate[bot]")
    event, row, client = Event.objects.get(), Subscription.objects.get(), signed_in("admin")
    before = Delivery.objects.count()

    found = ask(client, "subscription", row.public_id, f"event:{event.public_id}", **rules()).json()
    assert (found["sent"], found["outcome"], found["errors"]) == (True, "ok", {})
    assert found["words"].startswith("This event would be sent")
    assert "The door squeaks" in found["summary"]
    assert 0 < found["bytes"] < found["budget"]
    assert {"field": "author", "value": "renovate[bot]"} in found["fields"]
    assert {"field": "$.issue.title", "value": "The door squeaks"} in found["fields"]

    lines = "bot is_not true\nbranch? is main\nlabelz is x"
    found = ask(
        client, "subscription", row.public_id, f"event:{event.public_id}", **rules(conditions=lines)
    ).json()
    assert found["sent"] is False
    assert found["words"] == "This event would be dropped because of “filter 1”: bot is not true: it is true."
    steps = found["verdicts"][0]["steps"]
    assert [step["verdict"] for step in steps] == ["pass", "pass", "drop", "pass", "drop"]
    assert "Did you mean “labels”?" in found["hints"][0]

    found = ask(client, "subscription", row.public_id, "sample:push", **rules(conditions="nonsense")).json()
    assert "Line 1 is no condition" in found["errors"]["conditions"][0]
    assert found["judged"] is False
    row.refresh_from_db()
    assert (row.filters, row.events, Delivery.objects.count()) == ([], ["*"], before)


def test_a_subscription_that_is_being_made_is_tried_on_a_sample(connector: Connector) -> None:
    key = f"new:{connector.public_id}"
    found = ask(
        signed_in("admin"), "subscription", key, "sample:push", enabled="on", events=["issues.opened"]
    ).json()
    assert "push is not among the chosen events" in found["words"]
    assert Subscription.objects.count() == 1


def test_the_options_of_a_connector_are_tried(connector: Connector) -> None:
    take_in(connector, "The door squeaks", "renovate[bot]")
    event, client = Event.objects.get(), signed_in("admin")
    form = {"name": "x", "scheme": "hmac_sha256", "option_private_repositories": "include"}
    material = f"event:{event.public_id}"
    assert ask(client, "connector", connector.public_id, material, **form).json()["sent"] is True
    found = ask(client, "connector", connector.public_id, material, **form, option_ignore_bots="on").json()
    assert found["words"] == "This event would make no card (ignored): Bots are ignored."
    paused = ask(client, "connector", connector.public_id, material, **form, paused="on").json()
    assert "The connector is paused." in paused["words"]
    connector.refresh_from_db()
    assert (connector.options, connector.paused) == ({}, False)


def test_the_set_up_page_and_the_catalog_have_it_too() -> None:
    client = signed_in("admin")
    found = ask(client, "connect", "github", "sample:push", events=["push"]).json()
    assert (found["sent"], found["errors"]) == (True, {})
    found = ask(signed_in("viewer"), "source", "github", "sample:push").json()
    assert (found["judged"], bool(found["card"])) == (False, True)
    page = client.get(reverse("admin:source", args=["github"])).content.decode()
    assert 'data-material="sample:push"' in page


def test_viewers_preview_stored_events_and_not_forms(connector: Connector) -> None:
    take_in(connector, "The door squeaks")
    event, viewer = Event.objects.get(), signed_in("viewer")
    material = f"event:{event.public_id}"
    assert ask(viewer, "event", connector.public_id, material).json()["sent"] is True
    assert ask(viewer, "connector", connector.public_id, material).status_code == 403
    assert ask(viewer, "subscription", Subscription.objects.get().public_id, material).status_code == 403
    assert viewer.post(reverse("admin:backtest"), {"preview_about": "event"}).status_code == 403
    assert viewer.get(reverse("admin:preview")).status_code == 405
    page = viewer.get(reverse("admin:connectors_subscription_change", args=[Subscription.objects.get().pk]))
    assert "data-preview" not in page.content.decode()


@pytest.mark.parametrize(
    "about, key, material, status",
    [
        ("nothing", "", "", 404),
        ("connector", "nobody", "sample:push", 404),
        ("source", "nobody", "sample:push", 404),
        ("source", "github", "sample:nothing", 400),
        ("source", "github", "event:nothing", 400),
        ("source", "github", "", 400),
    ],
)
def test_what_is_not_there_is_said(about: str, key: str, material: str, status: int) -> None:
    assert ask(signed_in("admin"), about, key, material).status_code == status


def test_an_event_of_another_connector_is_not_shown(connector: Connector) -> None:
    take_in(connector, "The door squeaks")
    event = Event.objects.get()
    other = Connector.objects.create(name="Other", source="github")
    answer = ask(signed_in("admin"), "event", other.public_id, f"event:{event.public_id}")
    assert answer.status_code == 400
    assert "not stored any more" in answer.json()["problem"]


def test_a_backtest_runs_in_slices_from_the_form(connector: Connector) -> None:
    for sender in ("ada", "renovate[bot]"):
        take_in(connector, "The door squeaks", sender)
    row, client = Subscription.objects.get(), signed_in("admin")
    data = {
        "preview_about": "subscription",
        "preview_key": row.public_id,
        **rules(conditions="bot is_not true"),
    }
    found = client.post(reverse("admin:backtest"), {**data, "backtest_left": "1"}).json()
    assert (found["total"], found["checked"], found["compared"]) == (1, 1, True)
    rest = client.post(reverse("admin:backtest"), {**data, "backtest_cursor": found["cursor"]}).json()
    assert (rest["checked"], rest["sent"], rest["cursor"]) == (1, 1, None)
    assert found["newly_dropped"] == 1
    assert found["removed_events"][0]["trace"].startswith("/admin/trace/")
    wrong = client.post(reverse("admin:backtest"), {**data, "conditions": "nonsense"})
    assert (wrong.status_code, "Correct the form first" in wrong.json()["problem"]) == (400, True)
    wrong = client.post(reverse("admin:backtest"), {**data, "backtest_days": "91"})
    assert "from 1 to 90" in wrong.json()["problem"]


def test_a_stored_request_becomes_a_sample_for_every_preview(connector: Connector) -> None:
    take_in(connector, "The door squeaks", installation={"access_token": "hush"})
    event = Event.objects.get()
    url = reverse("admin:trace-keep", args=[event.public_id])
    assert signed_in("operator").post(url, {"name": "Door"}).status_code == 403
    client = signed_in("admin")
    assert client.get(url).status_code == 405
    client.post(url, {"name": "Door"})
    row = SavedSample.objects.get()
    assert (row.name, row.event, row.saved_by) == ("Door", "issues.opened", "admin")
    found = ask(client, "event", connector.public_id, f"saved:{row.public_id}").json()
    assert "The door squeaks" in found["summary"]
    page = client.get(reverse("admin:connectors_connector_change", args=[connector.pk])).content.decode()
    assert f"saved:{row.public_id}" in page
    page = client.get(reverse("admin:inbound_savedsample_change", args=[row.pk])).content.decode()
    assert "The door squeaks" in page
    assert "hush" not in page
    again = client.post(url, {"name": "Door"}, follow=True).content.decode()
    assert "already" in again
    sent = client.post(reverse("admin:inbound_savedsample_do", args=[row.pk, "send"]))
    assert sent.status_code == 302
    assert InboundRequest.objects.count() == 2
    assert (
        client.post(reverse("admin:inbound_savedsample_delete", args=[row.pk]), {"post": "yes"}).status_code
        == 302
    )
    assert not SavedSample.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["#3", "3", "the door", "ADA", "https://git.example/octo/hello/issues/3", "request", "event", "delivery"],
)
def test_an_event_is_found_by_what_people_know_of_it(connector: Connector, query: str) -> None:
    request = take_in(connector, "The door squeaks", "ada")
    event = Event.objects.get()
    known = {
        "request": request.public_id,
        "event": event.public_id,
        "delivery": Delivery.objects.get().public_id,
    }
    answer = signed_in("viewer").get(reverse("admin:find"), {"q": known.get(query, query)})
    assert answer.headers.get("Location") == reverse("admin:trace", args=[event.public_id])


@pytest.mark.parametrize("query", ["33", "#31", "PROJ-3", "oct0"])
def test_another_number_finds_nothing(connector: Connector, query: str) -> None:
    take_in(connector, "The door squeaks 313")
    assert "Nothing found" in signed_in("viewer").get(reverse("admin:find"), {"q": query}).content.decode()


def test_a_dropped_a_paused_and_a_duplicate_event_have_a_trace_with_the_reason(connector: Connector) -> None:
    client = signed_in("viewer")
    Subscription.objects.update(events=["push"])
    dropped = take_in(connector, "Dropped").events.get()
    page = client.get(reverse("admin:trace", args=[dropped.public_id])).content.decode()
    assert "does not want it" in page
    assert "issues.opened is not among the chosen events" in page
    assert f"/admin/trace/{dropped.public_id}/" in page  # the link to share
    Connector.objects.update(paused=True)
    paused = take_in(connector, "Paused").events.get()
    assert (
        "The connector is paused."
        in client.get(reverse("admin:trace", args=[paused.public_id])).content.decode()
    )
    Event.objects.filter(pk=dropped.pk).update(source_event_id="d-1")
    Event.objects.filter(pk=paused.pk).update(source_event_id="d-1", outcome="duplicate")
    page = client.get(reverse("admin:trace", args=[paused.public_id])).content.decode()
    assert reverse("admin:trace", args=[dropped.public_id]) in page
    found = client.get(reverse("admin:find"), {"q": "d-1"})
    assert found.headers["Location"] == reverse(
        "admin:trace", args=[dropped.public_id]
    )  # the one that was told


def test_a_malformed_request_is_found_and_shown_masked(connector: Connector) -> None:
    row = take_in(connector, "Broken", action=7, token="hush")
    row.events.all().delete()
    InboundRequest.objects.filter(pk=row.pk).update(
        status="malformed", error_message="The body is not JSON.", headers={"x-github-delivery": "abc-1"}
    )
    client = signed_in("viewer")
    for query in (row.public_id, "abc-1"):
        answer = client.get(reverse("admin:find"), {"q": query})
        assert answer.headers["Location"] == reverse("admin:request-trace", args=[row.public_id])
    page = client.get(reverse("admin:request-trace", args=[row.public_id]) + "?body").content.decode()
    assert "The body is not JSON." in page
    assert "Broken" in page
    assert "hush" not in page
    assert saved.readable(row, indent=2).count("\n") > 5


def test_the_trace_shows_the_payload_formatted_and_masked(connector: Connector) -> None:
    take_in(connector, "The door squeaks", config={"secret": "hush"})
    page = signed_in("viewer").get(reverse("admin:trace", args=[Event.objects.get().public_id]) + "?body")
    text = page.content.decode()
    assert "hush" not in text
    assert "•••" in text
    assert "&quot;title&quot;: &quot;The door squeaks&quot;" in text
