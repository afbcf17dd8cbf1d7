# ruff: noqa: ISC004 - statements of SQL, broken where they read best
"""How long every list takes with a million events and two million deliveries: `make bench BENCH=lists`.

The rows are made by a few statements of the database itself; each list of the admin and of REST is then asked for
with every filter that it offers, and with a search that finds something and one that finds nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EVENTS, DELIVERIES, CHANGES = 1_000_000, 2_000_000, 200_000
CONNECTORS, CHANNELS = 40, 60
SLOW = 200  # ms
ROUNDS = 3
ADMIN = ("inbound/event/", "deliveries/delivery/", "inbound/inboundrequest/", "commands/commanduse/",
         "connectors/connector/", "connectors/subscription/", "channels/channel/", "channels/team/")  # fmt: skip
COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) "


def fill() -> None:
    """Make the rows. Dates are spread over the last 30 days, so the newest have the highest keys."""
    from django.db import connection

    from apps.channels.models import Channel, Team, WebhookURL
    from apps.commands.models import CommandEndpoint
    from apps.connectors import services as connectors

    team = Team.objects.create(name="Lists")
    CommandEndpoint.objects.create(name="Lists", team=team, token="x")
    rooms = [Channel.objects.create(team=team, name=f"Room {number}") for number in range(CHANNELS)]
    for number in range(CONNECTORS):
        made, _ = connectors.create_connector(name=f"Repository {number}", source="github")
        connectors.subscribe(made, rooms[number % CHANNELS], events=["*"])
    for room in rooms:
        WebhookURL.objects.create(channel=room, url="https://x.example/", host="x.example")
    lite = connection.vendor == "sqlite"
    first = connectors.Connector.objects.order_by("id").values_list("id", flat=True)[0]
    room, point = rooms[0].pk, CommandEndpoint.objects.values_list("id", flat=True)[0]

    def at(most: int) -> str:
        seconds = f"(({most} - i) * {30 * 86_400}.0 / {most})"
        return (
            f"datetime('now', '-' || {seconds} || ' seconds')"
            if lite
            else f"now() - {seconds} * interval '1 second'"
        )

    empty = "X'78'" if lite else "'\\x78'::bytea"
    no = "0" if lite else "false"
    one = f"{first} + i % {CONNECTORS}"
    outcome = ("CASE WHEN i % 100 < 70 THEN 'matched' WHEN i % 100 < 95 THEN 'unmatched' WHEN i % 10000 = 95 "
               "THEN 'unsupported' ELSE 'ignored' END")  # fmt: skip
    status = (f"CASE WHEN i > {DELIVERIES} - 300 THEN 'pending' WHEN i % 1000 = 7 THEN 'failed' WHEN i % 500 = 3 THEN "
              "'cancelled' ELSE 'accepted' END")  # fmt: skip
    statements = (
        (EVENTS, "inbound_inboundrequest (id, public_id, created_at, connector_id, received_at, method, headers, query, "
         "body, size, status, error_code, error_message, failures, replay) "
         f"SELECT i, 'req' || (1000000000 + i), {at(EVENTS)}, {one}, {at(EVENTS)}, 'POST', '{{}}', '', {empty}, 9000, "
         "'processed', '', '', 0, 0 FROM n"),
        (EVENTS, "inbound_event (id, public_id, created_at, connector_id, request_id, \"index\", source_event_id, type, "
         "title, actor, url, severity, outcome, reason, trace, attributes, received_at, replays) "
         f"SELECT i, 'evt' || (1000000000 + i), {at(EVENTS)}, {one}, i, 0, 'source-' || i, CASE i % 3 WHEN 0 THEN 'push' "
         "WHEN 1 THEN 'issues.opened' ELSE 'pull_request.opened' END, 'Issue opened: #' || i || ' The door squeaks', "
         f"'ada', '', 'info', {outcome}, '', '[]', '{{}}', {at(EVENTS)}, 0 FROM n"),
        (DELIVERIES, "deliveries_delivery (id, public_id, created_at, channel_id, event_key, event_public_id, "
         "subscription_key, replay, origin, status, due_at, exempt, attempts_made, card, summary, severity, thread_key, "
         "error_code, error_message) "
         f"SELECT i, 'dlv' || (1000000000 + i), {at(DELIVERIES)}, {room} + i % {CHANNELS}, 1 + i / 2, "
         f"'evt' || (1000000000 + 1 + i / 2), i % 7, 0, 'event', {status}, {at(DELIVERIES)}, {no}, 1, "
         "'{\"type\":\"AdaptiveCard\"}', 'Issue opened: #' || i, 'info', '', '', '' FROM n"),
        (CHANGES, "core_auditentry (public_id, created_at, actor_kind, actor_id, actor_name, action, words, object_kind, "
         "object_id, object_name, parent_kind, parent_id, changes) "
         f"SELECT 'aud' || (1000000000 + i), {at(CHANGES)}, 'user', '1', 'person' || i % 9, 'changed', '', 'channel', "
         "'' || i % 500, 'Room ' || i % 500, '', '', '[]' FROM n"),
        (CHANGES, "commands_commanduse (endpoint_id, activity_id, at, sender_id, sender_name, text, command, outcome, "
         f"answer) SELECT {point}, '' || i, {at(CHANGES)}, '29:x', 'Ada', 'status', 'status', 'ok', '' FROM n"),
    )  # fmt: skip
    with connection.cursor() as cursor:
        for most, rest in statements:
            begun = time.monotonic()
            lead = COUNTING.format(most=most)
            # SQLite wants the counting inside, PostgreSQL takes it there too.
            into, _, choose = rest.partition("SELECT ")
            cursor.execute(f"INSERT INTO {into} {lead} SELECT {choose}")
            print(
                f"  {most:,} rows of {rest.split(' ')[0]} in {time.monotonic() - begun:.0f} s",
                file=sys.stderr,
            )
        for table in ("inbound_event", "deliveries_delivery", "core_auditentry"):
            cursor.execute("ANALYZE" if lite else f"ANALYZE {table}")


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


def run(name: str, folder: Path, extra: dict[str, str]) -> dict[str, float]:
    """Fill and measure one database in a process of its own."""
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "DATA_DIR", "DEBUG")
    }
    environment = inherited | {"DATA_DIR": str(folder), "DEBUG": "0", "SECRET_KEY": "k" * 50, "FIELD_KEYS": "one",
                               "ALLOWED_HOSTS": "testserver,127.0.0.1", "LOG_LEVEL": "ERROR", **extra}  # fmt: skip
    print(f"{name}:", file=sys.stderr, flush=True)
    for arguments in (["manage.py", "migrate", "-v0"], ["manage.py", "collectstatic", "--noinput", "-v0"]):
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True)
    done = subprocess.run([sys.executable, "-m", "bench.lists", "inside"], cwd=ROOT, env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(database: str = "") -> None:
    """Measure SQLite and, when its URL is given, PostgreSQL; print a table in Markdown."""
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-lists-") as folder:
        columns["SQLite"] = run("SQLite", Path(folder), {})
    if database:
        with tempfile.TemporaryDirectory(prefix="bench-lists-") as folder:
            columns["PostgreSQL"] = run("PostgreSQL", Path(folder), {"DATABASE_URL": database})
    print(f"{EVENTS:,} events, {DELIVERIES:,} deliveries; milliseconds, the best of {ROUNDS} rounds\n")
    print("| List | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for path in next(iter(columns.values())):
        values = [column.get(path) for column in columns.values()]
        marks = [f"**{value:,.0f}**" if value and value > SLOW else f"{value or 0:,.0f}" for value in values]
        print(f"| `{path}` | " + " | ".join(marks) + " |")


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")
        import django

        django.setup()
        fill()
        print(json.dumps(measure()))
    else:
        main(*sys.argv[1:2])
