"""How long every list takes with a million events and two million deliveries: `make bench BENCH=lists`.

The rows are made by a few statements of the database itself; each list of the admin and of REST is then asked for
with every filter that it offers, and with a search that finds something and one that finds nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.place import Place
from tests.e2e.stack import ROOT

EVENTS, DELIVERIES, CHANGES = 1_000_000, 2_000_000, 200_000
CONNECTORS, CHANNELS = 40, 60
SLOW = 200  # ms
ROUNDS = 3
ADMIN = ("inbound/event/", "deliveries/delivery/", "inbound/inboundrequest/", "commands/commanduse/",
         "connectors/connector/", "connectors/subscription/", "channels/channel/", "channels/team/")  # fmt: skip


def insert(model: Any, most: int, columns: dict[str, str]) -> None:
    """Make `most` rows: each column by its expression of the number `i`, the others as the model says."""
    from django.core.management.color import no_style
    from django.db import connection

    begun, values = time.monotonic(), []
    for field in model._meta.concrete_fields:
        if field.column not in columns and not field.null and not field.primary_key:
            columns[field.column] = "%s"
            values.append(field.get_db_prep_save(field.get_default(), connection))
    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(each if each == "%s" else each.replace("%", "%%") for each in columns.values())
    counting = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute(f'INSERT INTO "{table}" ({names}) {counting} SELECT {chosen} FROM n', values)
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else f'VACUUM ANALYZE "{table}"')
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)
    print(f"  {most:,} rows of {table} in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def at(most: int, lite: bool) -> str:
    """A moment of the last 30 days; the newest rows have the highest numbers."""
    seconds = f"(({most} - i) * {30 * 86_400}.0 / {most})"
    if lite:
        return f"datetime('now', '-' || {seconds} || ' seconds')"
    return f"now() - {seconds} * interval '1 second'"


def fill(events: int = EVENTS) -> None:
    """Make the rows: twice as many deliveries as events."""
    deliveries = 2 * events
    from django.db import connection

    from apps.channels.models import Channel, Team, WebhookURL
    from apps.commands.models import CommandEndpoint, CommandUse
    from apps.connectors import services as connectors
    from apps.connectors.models import Connector
    from apps.core.models import AuditEntry
    from apps.deliveries.models import Delivery
    from apps.inbound.models import Event, InboundRequest

    team = Team.objects.create(name="Lists")
    point = CommandEndpoint.objects.create(name="Lists", team=team, token="x").pk
    rooms = [Channel.objects.create(team=team, name=f"Room {number}") for number in range(CHANNELS)]
    for number in range(CONNECTORS):
        made, _ = connectors.create_connector(name=f"Repository {number}", source="github")
        connectors.subscribe(made, rooms[number % CHANNELS], events=["*"])
    for room in rooms:
        WebhookURL.objects.create(channel=room, url="https://x.example/", host="x.example")
    lite = connection.vendor == "sqlite"
    one = f"{Connector.objects.order_by('id').values_list('id', flat=True)[0]} + i % {CONNECTORS}"
    when = at(events, lite)
    insert(InboundRequest, events, {
        "id": "i", "public_id": "'req' || (1000000000 + i)", "created_at": when, "received_at": when,
        "connector_id": one, "body": "X'78'" if lite else "'\\x78'::bytea", "size": "9000", "status": "'processed'",
    })  # fmt: skip
    insert(Event, events, {
        "id": "i", "public_id": "'evt' || (1000000000 + i)", "created_at": when, "received_at": when, "request_id": "i",
        "connector_id": one, "source_event_id": "'source-' || i", "actor": "'ada'", "severity": "'info'",
        "title": "'Issue opened: #' || i || ' The door squeaks'",
        "type": "CASE i % 3 WHEN 0 THEN 'push' WHEN 1 THEN 'issues.opened' ELSE 'pull_request.opened' END",
        "outcome": "CASE WHEN i % 100 < 70 THEN 'matched' WHEN i % 100 < 95 THEN 'unmatched' "
                   "WHEN i % 10000 = 95 THEN 'unsupported' ELSE 'ignored' END",
    })  # fmt: skip
    when = at(deliveries, lite)
    insert(Delivery, deliveries, {
        "id": "i", "public_id": "'dlv' || (1000000000 + i)", "created_at": when, "due_at": when,
        "channel_id": f"{rooms[0].pk} + i % {CHANNELS}", "event_key": "1 + i / 2",
        "event_public_id": "'evt' || (1000000000 + 1 + i / 2)", "subscription_key": "i % 7", "attempts_made": "1",
        "status": f"CASE WHEN i > {deliveries} - 300 THEN 'pending' WHEN i % 1000 = 7 THEN 'failed' "
                  "WHEN i % 500 = 3 THEN 'cancelled' ELSE 'accepted' END",
        "card": "'{\"type\":\"AdaptiveCard\"}'", "summary": "'Issue opened: #' || i", "severity": "'info'",
    })  # fmt: skip
    insert(AuditEntry, CHANGES, {
        "public_id": "'aud' || (1000000000 + i)", "created_at": at(CHANGES, lite), "actor_kind": "'user'",
        "actor_name": "'person' || i % 9", "action": "'changed'", "object_kind": "'channel'",
        "object_id": "'' || i % 500", "object_name": "'Room ' || i % 500",
    })  # fmt: skip
    insert(CommandUse, CHANGES, {
        "endpoint_id": str(point), "activity_id": "'' || i", "at": at(CHANGES, lite), "sender_name": "'Ada'",
        "text": "'status'", "command": "'status'",
    })  # fmt: skip


def paths(client: Any) -> list[str]:
    """Every list with every filter that its page offers."""
    found = []
    for page in ADMIN:
        base = f"/admin/{page}"
        found.append(base)
        text = client.get(base).content.decode()
        offered = dict.fromkeys(re.findall(r'href="(\?[a-z_]+=[^"]+)"', text))
        by_name: dict[str, list[str]] = {}
        for link in offered:
            by_name.setdefault(link[1:].partition("=")[0], []).append(link)
        for name, links in by_name.items():
            found += [
                base + link for link in (links if len(links) < 9 else [*links[:2], links[-1]]) if name != "o"
            ]
        found += [f"{base}?q=evt1000500000", f"{base}?q=nothing-like-it"] if 'name="q"' in text else []
        if page.startswith(("inbound/event", "deliveries")):
            found.append(f"{base}?p=199")
    find = "/admin/find/?q="
    found += [
        "/admin/",
        "/admin/catalog/",
        f"{find}evt1000500000",
        f"{find}squeaks",
        f"{find}nothing-like-it",
    ]
    found += ["/admin/audit/", "/admin/audit/?who=person3", "/admin/audit/?kind=channel", "/admin/audit/?who=nobody",
              "/admin/audit/?object=7", "/admin/audit/?object=nothing-like-it", "/admin/audit/?since=2026-01-01",
              "/admin/audit/?action=deleted"]  # fmt: skip
    return found


def api_paths(client: Any) -> list[str]:
    """Every list of REST with every filter, and pairs of them."""
    from apps.channels.models import Channel
    from apps.connectors.models import Connector
    from apps.inbound.models import Event

    one, room = Connector.objects.all()[5].public_id, Channel.objects.all()[5].public_id
    middle = Event.objects.get(pk=EVENTS // 2).received_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    queries = {
        "events/": ("", f"connector={one}", "type=push", "type=none", "outcome=unsupported", "outcome=malformed",
                    f"since={middle}", "since=2099-01-01T00:00:00Z", f"connector={one}&outcome=unsupported",
                    f"connector={one}&since={middle}", "type=push&outcome=malformed", f"outcome=unsupported&since={middle}",
                    "limit=200"),
        "deliveries/": ("", f"channel={room}", "status=failed", "status=pending", "event=evt1000500000", "event=none",
                        f"since={middle}", "since=2099-01-01T00:00:00Z", f"channel={room}&status=failed",
                        f"channel={room}&status=pending", f"status=failed&since={middle}",
                        f"channel={room}&since={middle}"),
        "requests/": ("", f"connector={one}", "status=malformed", "status=received", "status=processed",
                      f"connector={one}&status=malformed"),
        "audit/": ("", "actor=person3", "kind=channel", "object=7", "action=deleted", f"since={middle}"),
        "connectors/": ("",), "channels/": ("",), "subscriptions/": ("",), "webhook-urls/": ("",), "replays/": ("",),
    }  # fmt: skip
    return [f"/api/v1/{name}?{query}".rstrip("?") for name, each in queries.items() for query in each]


def measure() -> dict[str, float]:
    """Milliseconds of each list: the best of some rounds, because others may use the machine; without the network."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from apps.api.models import ApiToken

    user = get_user_model().objects.create_superuser("lists", password=None)
    person, program = (
        Client(),
        Client(headers={"Authorization": f"Bearer {ApiToken.issue('lists', 'admin')}"}),
    )
    person.force_login(user)
    figures: dict[str, float] = {}
    for client, wanted in ((person, paths(person)), (program, api_paths(program))):
        for path in wanted:
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - begun) * 1000)
                assert answer.status_code in (200, 302), (path, answer.status_code, answer.content[:300])
            shown = re.sub(r"=[A-Za-z0-9]{22}\b", "=<id>", re.sub(r"=2026-[^&]+", "=<half>", path))
            figures[shown.replace("&amp;", "&")] = round(min(times), 1)
    return figures


def prepared(folder: Path, extra: dict[str, str]) -> dict[str, str]:
    """The environment of an installation with empty tables."""
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "DATA_DIR", "DEBUG")
    }
    environment = inherited | {"DATA_DIR": str(folder), "DEBUG": "0", "SECRET_KEY": "k" * 50, "FIELD_KEYS": "one",
                               "ALLOWED_HOSTS": "testserver,127.0.0.1", "LOG_LEVEL": "ERROR", **extra}  # fmt: skip
    for arguments in (["manage.py", "migrate", "-v0"], ["manage.py", "collectstatic", "--noinput", "-v0"]):
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True)
    return environment


async def lists(place: Place) -> dict[str, float]:
    """Fill and measure in a process of its own; prints a table in Markdown too."""
    environment = prepared(place.folder, place.extra)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "bench.lists", "inside"], cwd=ROOT, env=environment, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{EVENTS:,} events, {DELIVERIES:,} deliveries; milliseconds, the best of {ROUNDS} rounds\n")
    print("| List | ms |\n|---|---:|")
    for path, took in figures.items():
        print(f"| `{path}` | {f'**{took:,.0f}**' if took > SLOW else f'{took:,.0f}'} |")
    slow = sum(took > SLOW for took in figures.values())
    return {"lists": len(figures), "slowest ms": max(figures.values()), f"over {SLOW} ms": slow}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")
    import django

    django.setup()
    fill()
    print(json.dumps(measure()))
