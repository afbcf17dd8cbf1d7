"""Microsoft Graph: signing in, subscriptions, and what changed."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.channels.models import Channel
from apps.connectors import accounts, hooks
from apps.connectors import services as connectors
from apps.connectors.models import Connector, Hook
from apps.core import background
from apps.deliveries.models import Delivery
from apps.inbound import pipeline, repair
from apps.inbound import services as inbound
from apps.inbound.models import Event
from apps.sources import registry
from apps.sources.accounts import ClientCredentials
from apps.sources.api import ApiError
from apps.sources.http import Headers, Http
from tests.actions.conftest import channel
from tests.vendors.stub import Answer, Call, StubServer

__all__ = ["channel"]
pytestmark = pytest.mark.django_db(transaction=True)
SITE = "contoso.sharepoint.com,5b1e,2d3e"
PLACE = {
    "site": "https://contoso.sharepoint.com/sites/Sales/Shared%20Documents/Forms/AllItems.aspx",
    "kind": "library",
}


class Graph:
    """The part of Microsoft Graph that is used, with its documented answers."""

    def __init__(self, stub: StubServer) -> None:
        self.stub, self.subscriptions, self.number = stub, {}, 0
        self.changed: list[list[dict[str, Any]]] = []
        self.delta_headers: list[str] = []
        subscriptions: dict[str, dict[str, Any]] = {}
        self.subscriptions = subscriptions
        stub.on("POST", "/login/t1/oauth2/v2.0/token", {"access_token": "graph-token", "expires_in": 3599})
        stub.on("GET", "/v1.0/sites/root", {"siteCollection": {"hostname": "contoso.sharepoint.com"}})
        stub.on("GET", r"/v1.0/sites/contoso.sharepoint.com:/sites/Sales", {"id": SITE})
        stub.on("GET", rf"/v1.0/sites/{SITE}/drive", {"id": "b!k3"})
        stub.on(
            "GET",
            rf"/v1.0/sites/{SITE}/lists",
            {"value": [{"id": "l1", "displayName": "Visits", "name": "Visits"}]},
        )
        stub.on("POST", "/v1.0/subscriptions", self.create)
        stub.on("GET", "/v1.0/subscriptions", lambda call: {"value": list(self.subscriptions.values())})
        for method in ("GET", "PATCH", "DELETE"):
            stub.on(method, r"/v1.0/subscriptions/(?P<id>[^/]+)", self.one)
        stub.on("GET", r"/v1.0/(drives/b!k3/root|sites/.*/lists/l1/items)/delta", self.delta)

    def create(self, call: Call) -> Answer:
        self.number += 1
        made = {**call.body, "id": f"sub-{self.number}"}
        made.pop("clientState")  # Graph answers null for it later; see the documentation of the resource
        self.subscriptions[made["id"]] = made
        return Answer(201, made)

    def one(self, call: Call) -> Answer:
        found = self.subscriptions.get(call.groups["id"])
        if found is None:
            return Answer(404, {"error": {"code": "ResourceNotFound", "message": "Not found"}})
        if call.method == "DELETE":
            del self.subscriptions[call.groups["id"]]
            return Answer(204)
        if call.method == "PATCH":
            found.update(call.body)
        return Answer(200, found)

    def delta(self, call: Call) -> Answer:
        self.delta_headers.append(call.headers.get("deltaexcludeparent", ""))
        here = f"{self.stub.url}{call.path}"
        token = call.query.get("token", "")
        if token == "latest":
            return Answer(200, {"value": [], "@odata.deltaLink": f"{here}?token=0"})
        if token == "old":
            return Answer(410, {"error": {"code": "resyncRequired", "message": "Resync required."}})
        at = int(token)
        items = self.changed[at] if at < len(self.changed) else []
        link = "nextLink" if at + 1 < len(self.changed) else "deltaLink"
        return Answer(
            200, {"value": items, f"@odata.{link}": f"{here}?token={min(at + 1, len(self.changed))}"}
        )


@pytest.fixture
def graph(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> Graph:
    source = type(registry.get("sharepoint"))
    [kind] = registry.get("sharepoint").account_kinds
    assert isinstance(kind, ClientCredentials)
    local = ClientCredentials(
        kind.key,
        kind.label,
        kind.fields,
        kind.help,
        f"{stub.url}/login/{{tenant}}/oauth2/v2.0/token",
        kind.scope,
    )
    monkeypatch.setattr(source, "account_kinds", (local,))
    return Graph(stub)


@pytest.fixture
def connector(graph: Graph, channel: Channel) -> Connector:
    made, _ = connectors.create_connector(name="Offers", source="sharepoint")
    values = {"tenant": "t1", "client_id": "app", "client_secret": "hush"}
    account = accounts.save(name="App", source="sharepoint", api_url=f"{graph.stub.url}/v1.0", values=values)
    accounts.attach(made, account)
    connectors.subscribe(made, channel)
    return made


def file(name: str, number: int, **more: object) -> dict[str, Any]:
    at = f"2026-03-14T09:{number:02}:00Z"
    return {
        "id": f"01{number}", "name": name, "eTag": f'"{{{number}}},1"', "file": {"mimeType": "text/plain"}, "size": 2048,
        "webUrl": f"https://contoso.sharepoint.com/sites/Sales/Shared%20Documents/{name}",
        "createdDateTime": "2026-01-01T00:00:00Z",
        "lastModifiedDateTime": at, "lastModifiedBy": {"user": {"displayName": "Tomas Berg"}},
        "parentReference": {"path": "/drives/b!k3/root:/Offers"}, **more,
    }  # fmt: skip


def notify(connector: Connector, graph: Graph, **more: object) -> None:
    """Graph posts a thin notification."""
    [subscription] = graph.subscriptions.values()
    value = {
        "subscriptionId": subscription["id"], "clientState": connector.secrets.get().value, "resource": "drives/b!k3/root",
        "tenantId": "t1", "changeType": "updated", **more,
    }  # fmt: skip
    http = Http(
        headers=Headers({"content-type": "application/json"}), body=json.dumps({"value": [value]}).encode()
    )
    inbound.store(connector, connector.source_object(), connectors.scheme_of(connector), http, timezone.now())
    everything()


def everything() -> None:
    while pipeline.process_batch().requests:
        pass


def test_the_account_is_tested_by_what_it_may_read(graph: Graph, connector: Connector) -> None:
    assert connector.account is not None
    assert accounts.test(connector.account).state == "ok"
    graph.stub.fail(
        "GET", "/v1.0/sites/root", 403, {"error": {"code": "accessDenied", "message": "Access denied"}}
    )
    assert "Sites.Read.All" in accounts.test(connector.account).lacks[0]


def test_a_subscription_is_made_with_our_address_and_secret(graph: Graph, connector: Connector) -> None:
    row = hooks.make(connector, PLACE)
    [call] = graph.stub.made("POST", "/v1.0/subscriptions")
    assert call.body["resource"] == "/drives/b!k3/root"
    assert call.body["notificationUrl"] == call.body["lifecycleNotificationUrl"] == connector.url
    assert call.body["clientState"] == connector.secrets.get().value
    assert row.expires_at is not None
    assert dt.timedelta(days=29) < row.expires_at - timezone.now() < dt.timedelta(minutes=42_300)
    assert hooks.check(row).state == Hook.State.OK


def test_changed_files_become_cards_and_the_thin_news_makes_none(
    graph: Graph, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    repair.read_changes(row)
    graph.changed = [
        [file("Offer.docx", 2), file("Plan.xlsx", 1)],
        [{"id": "013", "deleted": {"state": "deleted"}, "file": {}}],
    ]
    errands: list[tuple[object, ...]] = []
    monkeypatch.setattr(background, "start", lambda task, *args: errands.append((task, *args)))
    notify(connector, graph)
    assert errands == [("apps.inbound.repair.run_errand", connector.pk, "changes")]
    assert not Delivery.objects.exists()
    repair.run_errand(connector.pk, "changes")
    everything()
    told = list(Delivery.objects.order_by("pk").values_list("summary", flat=True))
    assert [words.partition("File ")[2] for words in told] == [
        "changed: Plan.xlsx",
        "changed: Offer.docx",
        "deleted",
    ]
    card = Delivery.objects.order_by("pk")[0].card
    for words in ("Tomas Berg", "Offers", "2.0 KB", "Sales"):
        assert words in card
    assert set(graph.delta_headers) == {"true"}
    assert len(errands) == 1
    repair.run_errand(connector.pk, "changes")
    everything()
    assert Delivery.objects.count() == 3


def test_an_expired_place_in_the_changes_is_told(graph: Graph, connector: Connector) -> None:
    row = hooks.make(connector, PLACE)
    row.cursor = f"{graph.stub.url}/v1.0/drives/b!k3/root/delta?token=old"
    row.save()
    assert repair.read_changes(row).stored == 1
    everything()
    assert Event.objects.get().type == "lifecycle.missed"
    row.refresh_from_db()
    assert row.cursor.endswith("token=0")


@pytest.mark.parametrize(
    "cycle, errand",
    [("reauthorizationRequired", "renew"), ("subscriptionRemoved", "mend"), ("missed", "changes")],
)
def test_lifecycle_news_is_acted_on(
    graph: Graph, connector: Connector, monkeypatch: pytest.MonkeyPatch, cycle: str, errand: str
) -> None:
    hooks.make(connector, PLACE)
    errands: list[object] = []
    monkeypatch.setattr(background, "start", lambda task, *args: errands.append(args[-1]))
    notify(connector, graph, lifecycleEvent=cycle)
    assert errands == [errand]
    if cycle == "subscriptionRemoved":
        graph.subscriptions.clear()
    repair.run_errand(connector.pk, errand)
    assert len(graph.subscriptions) == 1
    assert hooks.check(Hook.objects.get()).state == Hook.State.OK


def test_in_two_hundred_days_the_subscription_never_ends(
    graph: Graph, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = hooks.make(connector, PLACE)
    start = timezone.now()
    for day in range(200):
        now = start + dt.timedelta(days=day)
        hooks.look_after(hooks.due_rows(now), now)
        row.refresh_from_db()
        assert row.expires_at is not None
        assert row.expires_at > now + dt.timedelta(days=8)
    assert row.remote_id == "sub-1"


def test_a_list_is_found_by_its_name(graph: Graph, connector: Connector) -> None:
    hooks.make(connector, {**PLACE, "kind": "list", "name": "visits"})
    [call] = graph.stub.made("POST", "/v1.0/subscriptions")
    assert call.body["resource"] == f"/sites/{SITE}/lists/l1"
    with pytest.raises(ApiError, match="no list “Nope”"):
        hooks.make(connector, {**PLACE, "kind": "list", "name": "Nope"})


def token(*roles: str) -> str:
    """An access token as Microsoft makes them for apps."""
    claims = base64.urlsafe_b64encode(json.dumps({"roles": roles}).encode()).rstrip(b"=").decode()
    return f"e30.{claims}.c2lnbmVk"


@pytest.mark.parametrize(
    "roles, may, lacks",
    [
        (["Sites.Read.All"], ["sign in", "read sites"],
         ["the application permission Files.ReadWrite.All, to subscribe to libraries",
          "the application permission Sites.ReadWrite.All, to subscribe to lists"]),
        (["Sites.Read.All", "Files.ReadWrite.All"], ["sign in", "read sites", "subscribe to libraries"],
         ["the application permission Sites.ReadWrite.All, to subscribe to lists"]),
        (["Sites.ReadWrite.All"], ["sign in", "read sites", "subscribe to libraries", "subscribe to lists"], []),
        (["Sites.Selected"], ["sign in", "read sites",
         "work in the sites that were selected for it (Sites.Selected)"], []),
    ],
)  # fmt: skip
def test_the_permissions_in_the_token_say_what_the_app_may(
    graph: Graph, connector: Connector, roles: list[str], may: list[str], lacks: list[str]
) -> None:
    answer = {"access_token": token(*roles), "expires_in": 3599}
    graph.stub.on("POST", "/login/t1/oauth2/v2.0/token", answer)
    assert connector.account is not None
    row = accounts.test(connector.account)
    assert (row.may, row.lacks) == (may, lacks)


def test_making_the_hook_again_takes_over_what_is_there_and_stays_one_hook(
    graph: Graph, connector: Connector
) -> None:
    first = hooks.make(connector, PLACE)
    again = hooks.make(connector, PLACE)
    assert again.pk == first.pk
    assert list(graph.subscriptions) == [again.remote_id] == ["sub-2"]
    assert Hook.objects.count() == 1
    # Another place is another hook, and leaves the first alone.
    other = hooks.make(connector, {**PLACE, "kind": "list", "name": "visits"})
    assert sorted(graph.subscriptions) == [again.remote_id, other.remote_id] == ["sub-2", "sub-3"]
    assert Hook.objects.count() == 2
    assert {hooks.check(row).state for row in Hook.objects.all()} == {Hook.State.OK}


def test_a_new_secret_makes_another_subscription_that_is_followed(graph: Graph, connector: Connector) -> None:
    row = hooks.make(connector, PLACE)
    connectors.rotate_secret(connector)
    assert hooks.check(row).state == Hook.State.DRIFTED
    assert hooks.give_secret(connector) == (1, [])
    row.refresh_from_db()
    assert list(graph.subscriptions) == [row.remote_id] == ["sub-2"]
    assert hooks.check(row).state == Hook.State.OK
    newest = connectors.live_secrets(connector, timezone.now())[0].value
    assert graph.stub.made("POST", "/v1.0/subscriptions")[-1].body["clientState"] == newest


def test_changed_list_items_become_cards_with_their_fields_and_who_changed_them(
    graph: Graph, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = f"/v1.0/sites/{SITE}/lists/l1/items"
    monkeypatch.setattr(background, "start", lambda task, *args: None)
    row = hooks.make(connector, {**PLACE, "kind": "list", "name": "visits"})
    repair.read_changes(row)
    # As a delta tells them: the same item twice, the later row counts; nobody's name.
    thin = {"id": "7", "eTag": '"a,2"', "createdDateTime": "2026-03-01T00:00:00Z",
            "lastModifiedDateTime": "2026-03-14T09:05:00Z", "contentType": {"name": "Item"}}  # fmt: skip
    graph.changed = [
        [{**thin, "eTag": '"a,1"', "fields": {"Title": "Old"}},
         {**thin, "fields": {"Title": "Visit of the mayor", "Guests": 12}},
         {"id": "8", "deleted": {"state": "deleted"}, "contentType": {"name": "Item"}}],
    ]  # fmt: skip
    whole = {**thin, "fields": {"Title": "Visit of the mayor", "Guests": 12},
             "webUrl": "https://contoso.sharepoint.com/sites/Sales/Lists/Visits/7_.000",
             "lastModifiedBy": {"user": {"displayName": "Tomas Berg"}}}  # fmt: skip
    graph.stub.on("GET", f"{items}/7", whole)
    assert repair.read_changes(row).stored == 2
    everything()
    cards = {each.summary.partition("List item ")[2]: each.card for each in Delivery.objects.all()}
    assert set(cards) == {"changed: Visit of the mayor", "deleted"}
    for words in ("Tomas Berg", "Guests", "12", "Lists/Visits/7_.000"):
        assert words in cards["changed: Visit of the mayor"]
    assert all(call.query.get("$expand") == "fields" for call in graph.stub.made("GET", f"{items}/delta"))
    assert len(graph.stub.made("GET", f"{items}/7")) == 1
    assert not graph.stub.made("GET", f"{items}/8")


def test_a_subscription_that_ended_meanwhile_catches_up_from_where_the_last_reading_was(
    graph: Graph, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "start", lambda task, *args: None)
    row = hooks.make(connector, PLACE)
    repair.read_changes(row)
    graph.subscriptions.clear()
    graph.changed = [[file("While it was away.docx", 3)]]
    with time_machine.travel(timezone.now() + dt.timedelta(days=40)):
        # Nothing ran for forty days; the first hour mends it and reads what changed.
        assert "1 taken in" in repair.renew_due()
        everything()
    assert list(graph.subscriptions) == ["sub-2"]
    assert "While it was away.docx" in Delivery.objects.get().summary


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
def test_refusals_of_graph_are_told_in_words(graph: Graph, connector: Connector, status: int) -> None:
    graph.stub.fail(
        "POST", "/v1.0/subscriptions", status, {"error": {"code": "x", "message": "Because."}}, times=2
    )
    with pytest.raises(ApiError, match="Because") as caught:
        hooks.make(connector, PLACE)
    assert "graph-token" not in caught.value.public_message
