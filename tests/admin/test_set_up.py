"""The set-up while somebody sits before it: a pasted URL is tried, and what arrives is told step by step."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.core.models import Counter
from apps.deliveries.models import Delivery
from apps.inbound import pipeline
from apps.inbound import services as inbound
from apps.inbound.models import InboundRequest
from tests.admin.test_roles import WORKFLOW, signed_in
from tests.vendors.stub import Answer, StubServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector() -> Connector:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    made, _ = connectors.create_connector(name="Repository", source="github")
    connectors.subscribe(made, channel, events=["issues.opened", "ping"])
    return made


def arrivals(connector: Connector) -> dict[str, Any]:
    found: dict[str, Any] = (
        signed_in("viewer").get(reverse("admin:arrivals", args=[connector.public_id])).json()
    )
    return found


def way(entry: dict[str, Any]) -> list[str]:
    return [f"{step['words']}: {step['how']}" for step in entry["steps"]]


@pytest.mark.parametrize(
    "status, ok, words",
    [
        (202, True, "Teams took the test card (202, after"),
        (401, False, "refuses anonymous calls"),
        (404, False, "does not exist any more"),
        (500, False, "problem of its own"),
    ],
)
def test_a_card_goes_through_a_pasted_url_at_once_and_the_answer_is_told(
    settings: Any, status: int, ok: bool, words: str
) -> None:
    settings.DESTINATION_ALLOW = ["127.0.0.1"]
    with StubServer() as teams:
        teams.on("POST", r"/flow", lambda call: Answer(status))
        url = f"{teams.url}/flow?sig=very-secret"
        answer = signed_in("admin").post(reverse("admin:try-url"), {"url": url, "place": "Platform › Builds"})
    assert answer.status_code == 200
    assert answer.json()["ok"] is ok
    assert words in answer.json()["message"]
    assert "very-secret" not in answer.content.decode()
    (call,) = teams.calls
    assert "Platform › Builds" in str(call.body["attachments"][0]["content"])
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "url", ["", "http://169.254.169.254/latest", "https://x.webhook.office.com/webhookb2/a", "no url"]
)
def test_nothing_is_posted_where_cards_may_not_go(url: str) -> None:
    answer = signed_in("admin").post(reverse("admin:try-url"), {"url": url})
    assert answer.json()["ok"] is False
    assert answer.json()["message"]


def test_only_an_admin_may_try_a_url() -> None:
    for role in ("viewer", "operator"):
        assert signed_in(role).post(reverse("admin:try-url"), {"url": WORKFLOW}).status_code == 403
    assert signed_in("admin").get(reverse("admin:try-url")).status_code == 405


@pytest.mark.parametrize("tested, cards", [("", 1), ("on", 0)])
def test_a_url_that_was_tried_gets_no_second_test_card(tested: str, cards: int) -> None:
    data = {"name": "Harbour", "team_name": "Port", "channel_name": "Builds", "webhook_url": WORKFLOW, "tested": tested,
            "scheme": "hmac_sha256", "events": ["push"], "option_private_repositories": "include"}  # fmt: skip
    assert signed_in("admin").post(reverse("admin:connect", args=["github"]), data).status_code == 302
    assert Delivery.objects.filter(origin="test").count() == cards


def test_an_event_is_told_step_by_step(connector: Connector) -> None:
    inbound.run_sample(connector, "issues.opened")
    (waiting,) = arrivals(connector)["unread"]
    assert way(waiting) == ["Received: ok", "Verified: ok", "Being read: wait"]
    pipeline.process_batch()
    found = arrivals(connector)
    assert found["unread"] == []
    (entry,) = found["events"]
    first = ["Received: ok", "Verified: ok", "Understood as issues.opened: ok", "Card made: ok"]
    assert way(entry) == [*first, "On its way to Platform › General: wait"]
    Delivery.objects.update(status="accepted")
    assert way(arrivals(connector)["events"][0])[-1] == "Accepted by Platform › General: ok"
    Delivery.objects.update(status="failed", error_message="The workflow does not exist any more.")
    (entry,) = arrivals(connector)["events"]
    assert way(entry)[-1] == "Failed: Platform › General: stop"
    assert entry["deliveries"][0]["why"] == "The workflow does not exist any more."


def test_a_ping_an_unwanted_event_and_an_unreadable_request_are_explained(connector: Connector) -> None:
    inbound.run_sample(connector, "ping")
    inbound.run_sample(connector, "push")
    pipeline.process_batch()
    push, ping = arrivals(connector)["events"]
    assert "the URL and the secret are right" in ping["words"]
    assert way(push)[-1] == "No channel wants it: stop"
    assert push["words"] == "Platform › General: push is not among the chosen events."
    InboundRequest.objects.create(
        connector=connector, body=b"", status="malformed", error_message="It is no JSON."
    )
    (unread,) = arrivals(connector)["unread"]
    assert way(unread)[-1] == "Not understood: stop"
    assert unread["words"] == "It is no JSON."


def test_a_replay_does_not_show_twice_what_arrived_once(connector: Connector) -> None:
    inbound.run_sample(connector, "issues.opened")
    pipeline.process_batch()
    event = connector.events.get()
    inbound.replay_event(event)
    assert Delivery.objects.count() == 2
    (entry,) = arrivals(connector)["events"]
    assert len(entry["deliveries"]) == 1


def test_what_is_set_up_stands_above_what_to_paste(connector: Connector) -> None:
    page = signed_in("admin").get(reverse("admin:connected", args=[connector.public_id])).content.decode()
    assert "Platform › General" in page
    assert "Issue opened, The webhook was set up" in page
    assert page.index("Platform › General") < page.index("Paste this at GitHub")
    connector.subscriptions.all().delete()
    page = signed_in("admin").get(reverse("admin:connected", args=[connector.public_id])).content.decode()
    assert "Its events go nowhere yet" in page


def test_a_connector_says_in_its_list_and_on_its_page_that_requests_were_refused(
    connector: Connector,
) -> None:
    inbound.run_sample(connector, "issues.opened")
    pipeline.process_batch()
    client = signed_in("viewer")
    pages = [
        reverse("admin:connectors_connector_changelist"),
        reverse("admin:connectors_connector_change", args=[connector.pk]),
    ]
    for page in pages:
        assert "needs a person" not in client.get(page).content.decode()
    Counter.bump_many({("inbound.unverified", connector.public_id): 3})
    for page in pages:
        shown = client.get(page).content.decode()
        assert "needs a person" in shown
        assert "3 requests were refused lately" in shown
