"""Actions asked for in chat."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from apps.actions import inputs
from apps.actions import services as actions
from apps.actions.models import ActionRun, Confirmation
from apps.channels.models import Channel
from apps.commands import acting, parser, places, services
from apps.commands.models import ChatUser, CommandEndpoint
from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from apps.sources import registry
from apps.sources.actions import Act, Done, Target
from apps.sources.options import Field
from tests.actions.conftest import buttons, channel, connector, simple_actions, tell, vendor
from tests.commands.test_commands import TOKEN, ask, said
from tests.vendors.stub import Answer, StubServer

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


@pytest.fixture
def slow_choices(vendor: StubServer) -> StubServer:
    """GitHub with an action whose choices the product gives, slower than Teams waits."""
    made = simple_actions()
    source = type(registry.get("github"))

    def look(act: Act) -> Target:
        found = act.api.get("/labels")
        return Target(
            choices={"label": tuple((each.opt("$.id"), each.opt("$.name")) for each in found.each("$"))}
        )

    @made.on("label", label="Label", target=r"(?P<number>\d+)", example="3", look=look,
             fields=(Field("label", "Label", kind="choice"),))  # fmt: skip
    def label(act: Act) -> Done:
        act.api.post("/labels", {"label": act.text("label")})
        return Done("Labelled")

    source.actions = made
    vendor.on("GET", "/labels", lambda call: Answer(200, [{"id": "l-1", "name": "Needs oil"}], wait=4.5))
    vendor.on("POST", "/labels", {})
    return vendor


def test_a_product_that_is_slow_to_say_what_may_be_chosen_does_not_hold_up_the_answer(
    bot: CommandEndpoint, slow_choices: StubServer, busy: None
) -> None:
    started = time.monotonic()
    assert "working on it" in said(ask(bot, "github label 3 needs oil"))
    assert time.monotonic() - started < 2
    assert slow_choices.calls == []
    actions.work()
    assert slow_choices.made("POST", "/labels")[0].body == {"label": "l-1"}
    assert "Labelled" in Delivery.objects.get().card


def test_what_may_not_be_chosen_is_told_with_what_may(
    bot: CommandEndpoint, slow_choices: StubServer, worker: None
) -> None:
    slow_choices.on("GET", "/labels", [{"id": "l-1", "name": "Needs oil"}, {"id": "l-2", "name": "Bug"}])
    answer = said(ask(bot, "github label 3 Nonsense"))
    assert "“Label” is one of: Needs oil, Bug" in answer
    assert not slow_choices.made("POST", ".*")


@pytest.mark.parametrize(
    "typed, text",
    [
        ("He said “stop” and left", "He said “stop” and left"),
        ("“All of it”", "All of it"),
        ("&quot;All of it&quot;", "All of it"),
        ("first<br>second", "first\nsecond"),
        ("two&nbsp; spaces", "two spaces"),
    ],
)
def test_a_text_arrives_as_it_was_typed(
    bot: CommandEndpoint, vendor: StubServer, worker: None, typed: str, text: str
) -> None:
    said(ask(bot, f"github comment octo/hello#3 {typed}"))
    assert vendor.made("POST", ".*comments")[0].body == {"body": f"{text} — Ada"}


def test_a_title_in_quotes_leaves_the_rest_to_the_description() -> None:
    fields = (Field("title", "Title"), Field("kind", "Kind", required=False),
              Field("text", "Text", kind="multiline", required=False))  # fmt: skip
    found = parser.words('"New door" it squeaks, "very" loud')
    typed = [each.text for each in found]
    assert inputs.with_description(
        fields, typed, lambda place: parser.tail('"New door" it squeaks, "very" loud', found, place)
    ) == {"title": "New door", "text": 'it squeaks, "very" loud'}


def test_a_late_answer_goes_to_the_channel_that_was_asked_in(bot: CommandEndpoint, busy: None) -> None:
    other = Channel.objects.create(team=bot.team, name="Build room")
    places.name(bot.team, "19:x@thread.tacv2", other)
    assert "posted in Build room" in said(ask(bot, "github close octo/hello#3"))
    actions.work()
    assert Delivery.objects.get().channel == other


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
