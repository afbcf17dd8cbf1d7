from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from apps.cards.notification import ActionRef, Link
from apps.channels import services as channels
from apps.channels.models import Channel, Team
from apps.connectors import accounts
from apps.connectors import services as connectors
from apps.connectors.models import Connector
from apps.deliveries.models import Delivery
from apps.inbound.pipeline import process_batch
from apps.sources import registry
from apps.sources.actions import Act, Actions, Done, Target
from apps.sources.http import Headers, Http
from apps.sources.sdk import Field, HeaderToken, Option
from tests.vendors.stub import StubServer

ISSUE = {
    "action": "opened",
    "issue": {
        "number": 3,
        "title": "The door squeaks",
        "html_url": "https://git.example/octo/hello/issues/3",
    },
    "repository": {"full_name": "octo/hello", "html_url": "https://git.example/octo/hello"},
    "sender": {"login": "ada"},
}


def simple_actions() -> Actions:
    """Two actions as a source would have them."""
    made = Actions()
    target = r"(?P<repo>[\w.-]+/[\w.-]+)#(?P<number>\d+)"

    def look(act: Act) -> Target:
        found = act.api.get(f"/repos/{act.param('repo')}/issues/{act.param('number')}")
        return Target(found.text("$.title"), found.opt("$.state"), found.opt("$.html_url"))

    @made.on("close", label="Close issue", target=target, example="octo/hello#12", look=look)
    def close(act: Act) -> Done:
        path = f"/repos/{act.param('repo')}/issues/{act.param('number')}"
        found = act.api.call("PATCH", path, json={"state": "closed"}).payload()
        return Done("Issue closed", Link(found.text("$.title"), found.opt("$.html_url")))

    @made.on(
        "comment",
        label="Comment",
        target=target,
        example="octo/hello#12",
        fields=(Field("text", "Comment", kind="multiline"),),
        look=look,
    )
    def comment(act: Act) -> Done:
        path = f"/repos/{act.param('repo')}/issues/{act.param('number')}/comments"
        act.api.post(path, {"body": f"{act.text('text')} — {act.who}"})
        return Done("Comment added")

    @made.offer
    def offer(event: Any, ctx: Any) -> Iterator[ActionRef]:
        number = event.payload.opt_int("$.issue.number")
        if number:
            params = (("repo", event.payload.opt("$.repository.full_name")), ("number", str(number)))
            yield ActionRef("comment", "Comment", params)
            yield ActionRef("close", "Close issue", params)

    return made


@pytest.fixture
def vendor(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> StubServer:
    """GitHub with our two actions, played by the stub."""
    source = type(registry.get("github"))
    monkeypatch.setattr(source, "actions", simple_actions())
    kinds = (HeaderToken("token", "Token", (Option("token", "text", "Token", secret=True, required=True),)),)
    monkeypatch.setattr(source, "account_kinds", kinds)
    issue = {"number": 3, "title": "The door squeaks", "state": "open", "html_url": "https://git.example/i/3"}
    stub.on("GET", "/repos/octo/hello/issues/3", issue)
    stub.on("PATCH", "/repos/octo/hello/issues/3", {**issue, "state": "closed"})
    stub.on("POST", "/repos/octo/hello/issues/3/comments", {"id": 1}, status=201)
    return stub


@pytest.fixture
def channel(db: None) -> Channel:
    made = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    channels.add_url(made, "http://127.0.0.1:9/workflows/x/triggers/manual/paths/invoke?sig=s")
    return made


@pytest.fixture
def connector(vendor: StubServer, channel: Channel) -> Connector:
    made, _ = connectors.create_connector(name="Hello", source="github")
    account = accounts.save(
        name="Robot", source="github", kind="token", api_url=vendor.url, values={"token": "t0k"}
    )
    accounts.attach(made, account)
    connectors.subscribe(made, channel)
    return made


@pytest.fixture
def operator(db: None) -> Client:
    """A browser signed in as somebody who may act."""
    user = User.objects.create_user("grace", first_name="Grace", last_name="Hopper", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(user)
    return client


def tell(
    connector: Connector, body: object = ISSUE, delivery: str = "d-1", event: str = "issues"
) -> Delivery:
    """Post an event at the connector and return the delivery that it made."""
    raw = json.dumps(body).encode()
    secret = connector.secrets.get().value
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}
    signed = connectors.scheme_of(connector).sign(
        Http(headers=Headers(headers), body=raw), secret, timezone.now()
    )
    answer = Client().post(
        f"/hooks/{connector.public_id}", raw, content_type="application/json", headers=dict(signed.headers)
    )
    assert answer.status_code == 202
    process_batch()
    return Delivery.objects.latest("pk")


def buttons(delivery: Delivery) -> dict[str, str]:
    """Title and path of the card's buttons that lead to us."""
    found = {each["title"]: each["url"] for each in json.loads(delivery.card).get("actions", [])}
    return {title: url[url.index("/act/") :] for title, url in found.items() if "/act/" in url}
