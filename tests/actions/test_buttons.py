"""A card's button: asks by GET, acts by POST, once, as somebody; and the channel is told."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client

from apps.actions import links, services, visitors
from apps.actions.models import ActionRun
from apps.commands.models import ChatUser
from apps.connectors import accounts
from apps.connectors.models import ActionPolicy, Connector
from apps.deliveries.models import Delivery
from apps.sources import registry
from apps.sources.actions import Act, Done
from tests.actions.conftest import buttons, tell
from tests.vendors.stub import Answer, StubServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_card_carries_the_buttons_that_its_source_offers(connector: Connector) -> None:
    assert list(buttons(tell(connector))) == ["Comment", "Close issue"]


@pytest.mark.parametrize("change", ["policy", "account"])
def test_without_account_or_with_buttons_off_the_card_has_none(connector: Connector, change: str) -> None:
    if change == "policy":
        connector.action_policy = ActionPolicy.OFF
    else:
        connector.account = None
    connector.save()
    assert buttons(tell(connector)) == {}


def test_get_asks_and_never_acts(connector: Connector, operator: Client, vendor: StubServer) -> None:
    link = buttons(tell(connector))["Close issue"]
    for method in ("get", "head"):
        answer = getattr(operator, method)(link)
        assert answer.status_code == 200
    text = operator.get(link).content.decode()
    assert "The door squeaks" in text
    assert "Grace Hopper" in text
    assert "octo/hello" in text
    assert not vendor.made("PATCH", ".*")
    assert not ActionRun.objects.exists()


def test_post_acts_once_and_tells_the_channel(
    connector: Connector, operator: Client, vendor: StubServer
) -> None:
    link = buttons(tell(connector))["Close issue"]
    assert operator.post(link).status_code == 302
    assert "Being done" in operator.get(link).content.decode()
    assert operator.get(f"{link}/state").json() == {"ready": False}
    assert services.work() == 1
    [call] = vendor.made("PATCH", ".*")
    assert call.body == {"state": "closed"}
    assert call.headers["authorization"] == "Bearer t0k"
    assert "Issue closed: The door squeaks" in operator.get(link).content.decode()
    told = Delivery.objects.get(origin=Delivery.Origin.ACTION)
    assert "Grace Hopper" in told.card
    assert "Issue closed" in told.card
    again = operator.post(link)
    assert again.status_code == 409
    assert services.work() == 0
    assert len(vendor.made("PATCH", ".*")) == 1


def test_nobody_acts_without_saying_who_they_are(connector: Connector, vendor: StubServer) -> None:
    link = buttons(tell(connector))["Close issue"]
    stranger = Client()
    page = stranger.get(link).content.decode()
    assert "Sign in" in page
    assert "The door squeaks" not in page
    assert stranger.post(link).status_code == 403
    assert not ActionRun.objects.exists()
    assert not vendor.calls


def test_a_viewer_sees_why_not(connector: Connector) -> None:
    user = User.objects.create_user("vic", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    browser = Client()
    browser.force_login(user)
    link = buttons(tell(connector))["Close issue"]
    assert browser.get(link).status_code == 403
    assert browser.post(link).status_code == 403
    assert not ActionRun.objects.exists()


def test_somebody_without_account_here_confirms_in_teams(connector: Connector) -> None:
    link = buttons(tell(connector))["Close issue"]
    browser = Client()
    assert browser.post(f"{link}/code").status_code == 302
    found = re.search(r"confirm ([A-Z0-9]{8})", browser.get(link).content.decode())
    assert found
    person = ChatUser.objects.create(teams_id="29:ada", role="operator")
    visitors.confirm(found[1].lower(), who="Ada Lovelace", teams_id="29:ada", role="operator")
    assert browser.get(f"{link}/state").json() == {"ready": True}
    assert browser.post(link).status_code == 302
    assert ActionRun.objects.get().who == "Ada Lovelace"
    # Another browser gains nothing by the first one's confirmation.
    assert Client().post(link).status_code == 403
    # What was taken away meanwhile is gone at once.
    other = buttons(tell(connector, delivery="d-2"))["Comment"]
    assert browser.get(other).status_code == 200
    person.delete()
    assert browser.get(other).status_code == 403
    assert browser.post(other, {"text": "x"}).status_code == 403


def test_a_code_works_for_ten_minutes(connector: Connector) -> None:
    link = buttons(tell(connector))["Close issue"]
    browser = Client()
    browser.post(f"{link}/code")
    found = re.search(r"confirm ([A-Z0-9]{8})", browser.get(link).content.decode())
    assert found
    with (
        time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=11)),
        pytest.raises(Exception, match="not waiting"),
    ):
        visitors.confirm(found[1], who="Ada", teams_id="29:ada", role="operator")


def test_somebody_with_the_role_viewer_in_teams_may_not_act(connector: Connector) -> None:
    link = buttons(tell(connector))["Close issue"]
    browser = Client()
    browser.post(f"{link}/code")
    found = re.search(r"confirm ([A-Z0-9]{8})", browser.get(link).content.decode())
    assert found
    visitors.confirm(found[1], who="Vic", teams_id="29:vic", role="viewer")
    assert browser.post(link).status_code == 403


def test_with_the_link_policy_the_page_still_asks_first(connector: Connector, vendor: StubServer) -> None:
    connector.action_policy = ActionPolicy.LINK
    connector.save()
    link = buttons(tell(connector))["Close issue"]
    browser = Client()
    assert "Close issue" in browser.get(link).content.decode()
    assert not vendor.made("PATCH", ".*")
    assert browser.post(link).status_code == 302


def test_a_post_from_another_site_is_refused(connector: Connector, operator: Client) -> None:
    link = buttons(tell(connector))["Close issue"]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(link).status_code == 403
    assert not ActionRun.objects.exists()


@pytest.mark.parametrize("broken", ["abc", "abc:def:ghi", "x" * 5000, "é"])
def test_a_forged_link_is_not_found(broken: str, operator: Client) -> None:
    answer = operator.get(f"/act/{broken}")
    assert answer.status_code == 404
    assert "Content-Security-Policy" in answer.headers


def test_an_old_link_says_so(connector: Connector, operator: Client) -> None:
    link = buttons(tell(connector))["Close issue"]
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=15)):
        operator.cookies.clear()
        answer = operator.get(link)
    assert answer.status_code == 410
    assert "14 days" in answer.content.decode()


def test_inputs_are_asked_for_and_checked(connector: Connector, operator: Client, vendor: StubServer) -> None:
    link = buttons(tell(connector))["Comment"]
    assert "<textarea" in operator.get(link).content.decode()
    wrong = operator.post(link, {"text": "  "})
    assert wrong.status_code == 422
    assert "is needed" in wrong.content.decode()
    operator.post(link, {"text": "Oil it <b>"})
    services.work()
    [call] = vendor.made("POST", ".*comments")
    assert call.body == {"body": "Oil it <b> — Grace Hopper"}


def test_a_refusal_is_shown_and_the_button_may_be_used_again(
    connector: Connector, operator: Client, vendor: StubServer
) -> None:
    link = buttons(tell(connector))["Close issue"]
    vendor.fail("PATCH", ".*", 403, {"message": "Resource not accessible"})
    operator.post(link)
    services.work()
    page = operator.get(link).content.decode()
    assert "Not done" in page
    assert "permission" in page
    assert not Delivery.objects.filter(origin=Delivery.Origin.ACTION).exists()
    assert operator.get(f"{link}?again").status_code == 200
    operator.post(link)
    services.work()
    assert "Issue closed" in operator.get(link).content.decode()


def test_a_run_that_broke_off_is_never_done_twice(
    connector: Connector, operator: Client, vendor: StubServer
) -> None:
    link = buttons(tell(connector))["Close issue"]
    operator.post(link)
    ActionRun.objects.update(
        status=ActionRun.Status.RUNNING, started_at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    )
    services.work()
    assert "Not certain" in operator.get(link).content.decode()
    assert operator.post(link).status_code == 409
    assert not vendor.made("PATCH", ".*")


def test_a_401_marks_the_account(connector: Connector, operator: Client, vendor: StubServer) -> None:
    link = buttons(tell(connector))["Close issue"]
    vendor.fail("PATCH", ".*", 401, {})
    operator.post(link)
    services.work()
    connector.refresh_from_db()
    assert connector.account is not None
    assert connector.account.state == "refused"


def test_what_was_taken_but_could_not_be_read_afterwards_is_not_done_twice(
    connector: Connector, operator: Client, vendor: StubServer
) -> None:
    actions = type(registry.get("github")).actions

    @actions.on("mark", label="Mark")
    def mark(act: Act) -> Done:
        act.api.post("/marks")
        return Done(act.api.get("/marks").text("$.title"))

    vendor.on("POST", "/marks", {}, status=201)
    vendor.fail("GET", "/marks", 503, {"message": "Unicorn"})
    link = links.make(links.Link(connector.public_id, "mark"))
    link = link[link.index("/act/") :]
    operator.post(link)
    services.work()
    page = operator.get(link).content.decode()
    assert "Not certain" in page
    assert "It was accepted" in page
    assert operator.post(link).status_code == 409
    assert len(vendor.made("POST", "/marks")) == 1


def test_a_write_that_timed_out_is_not_certain_and_a_read_that_timed_out_is_tried_again(
    connector: Connector, operator: Client, vendor: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "TIMEOUT", (1.0, 0.2))
    actions = type(registry.get("github")).actions

    @actions.on("ask", label="Ask first", params=("thing",))
    def ask(act: Act) -> Done:
        act.api.get(f"/{act.param('thing')}/read")
        act.api.post(f"/{act.param('thing')}/write")
        return Done("Done")

    vendor.on("GET", "/(slow/read|slow/write)", lambda call: Answer(200, {}, wait=0.6))
    vendor.on("GET", "/late/read", {})
    vendor.on("POST", "/late/write", lambda call: Answer(200, {}, wait=0.6))
    found = {}
    for thing in ("slow", "late"):
        url = links.make(links.Link(connector.public_id, "ask", {"thing": thing}))
        operator.post(url[url.index("/act/") :])
        services.work()
        found[thing] = ActionRun.objects.latest("pk").status
    assert found == {"slow": ActionRun.Status.FAILED, "late": ActionRun.Status.UNKNOWN}
    assert not vendor.made("POST", "/slow/write")
