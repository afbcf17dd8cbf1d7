"""Actions asked for in chat."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from apps.actions import services as actions
from apps.actions.models import ActionRun, Confirmation
from apps.commands import acting, services
from apps.commands.models import ChatUser, CommandEndpoint
from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from tests.actions.conftest import buttons, channel, connector, tell, vendor
from tests.commands.test_commands import TOKEN, ask, said
from tests.vendors.stub import StubServer

__all__ = ["channel", "connector", "vendor"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bot(connector: Connector) -> CommandEndpoint:
    subscription = connector.subscriptions.select_related("channel__team").get()
    ChatUser.objects.create(teams_id="29:abc", name="Ada", role=ChatUser.Role.OPERATOR)
    return services.create_endpoint("Connector", subscription.channel.team, TOKEN)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The background task, at once."""
    monkeypatch.setattr(actions, "_nudge", actions.work)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A background task that comes later than Teams waits."""
    monkeypatch.setattr(actions, "_nudge", lambda: None)
    monkeypatch.setattr(acting, "WAIT", 0.2)


def test_a_comment_is_posted_and_answered_at_once(
    bot: CommandEndpoint, vendor: StubServer, worker: None
) -> None:
    answer = said(ask(bot, "github comment octo/hello#3 Looks good &amp; works"))
    [call] = vendor.made("POST", ".*comments")
    assert call.body == {"body": "Looks good & works — Ada"}
    assert "Comment added" in answer
    assert not Delivery.objects.exists()


def test_what_takes_longer_is_promised_and_posted(bot: CommandEndpoint, busy: None) -> None:
    started = time.monotonic()
    answer = said(ask(bot, "github close octo/hello#3"))
    assert time.monotonic() - started < 4
    assert "working on it" in answer
    assert "General" in answer
    assert not Delivery.objects.exists()
    actions.work()
    assert "Issue closed" in Delivery.objects.get().card


def test_a_late_failure_is_posted_too(bot: CommandEndpoint, vendor: StubServer, busy: None) -> None:
    vendor.fail("PATCH", ".*", 403, {})
    ask(bot, "github close octo/hello#3")
    actions.work()
    assert "not done" in Delivery.objects.get().card


@pytest.mark.parametrize(
    "text, words",
    [
        ("github", "Close issue"),
        ("github help", "github comment octo/hello#12 COMMENT"),
        ("github clsoe octo/hello#3", "Did you mean “close”"),
        ("github close", "Say what is meant"),
        ("github close hello", "is not understood"),
        ("github comment octo/hello#3", "is needed"),
        ("github@Other close octo/hello#3", "No connector"),
        ("help github", "Close issue"),
    ],
)
def test_mistakes_are_answered_with_what_to_do(bot: CommandEndpoint, text: str, words: str) -> None:
    assert words in said(ask(bot, text))
    assert not ActionRun.objects.exists()


def test_an_unknown_person_is_told_how_to_be_linked(bot: CommandEndpoint) -> None:
    ChatUser.objects.all().delete()
    answer = said(ask(bot, "github close octo/hello#3"))
    assert "29:abc" in answer
    assert "Chat users" in answer
    assert not ActionRun.objects.exists()


def test_a_browser_is_confirmed_from_chat(bot: CommandEndpoint, connector: Connector) -> None:
    link = buttons(tell(connector))["Close issue"]
    browser = Client()
    browser.post(f"{link}/code")
    code = Confirmation.objects.get().code
    assert "go on in the browser" in said(ask(bot, f"confirm {code}"))
    assert browser.post(link).status_code == 302
    assert ActionRun.objects.get().who == "Ada"
    assert "not waiting" in said(ask(bot, f"confirm {code}"))
