"""Pages for operators and their tools: alive, ready, metrics."""

from __future__ import annotations

import re

from django.db import DatabaseError, connection
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apps.core import health
from apps.core.models import Counter, Heartbeat


@csrf_exempt
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The web process answers."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and some cluster was seen lately and cards are sent, else 503 with what is wrong."""
    parts = {"database": "ok", "cluster": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen = health.clusters()
        if not seen:
            parts["cluster"] = "never seen; start it with `manage.py up` or `manage.py qcluster`"
        elif not any(each.is_lately for each in seen):
            parts["cluster"] = "not seen for more than 45 seconds"
        elif health.nobody_sends():
            parts["cluster"] = "seen, but nobody sends cards for more than 90 seconds"
    except DatabaseError:
        parts = {"database": "not reachable, or not migrated", "cluster": "unknown"}
    ready = all(value == "ok" for value in parts.values())
    return JsonResponse({"status": "ok" if ready else "unready", **parts}, status=200 if ready else 503)


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters and heartbeats in Prometheus' text format."""
    lines: list[str] = []
    last = ""
    # Sums over hours that are still kept; a fall after pruning reads as a counter reset, which Prometheus allows for.
    for row in Counter.objects.values("name", "key").annotate(total=Sum("value")).order_by("name", "key"):
        name = "connectors_" + re.sub(r"[^a-zA-Z0-9_]", "_", row["name"]) + "_total"
        if name != last:
            lines.append(f"# TYPE {name} counter")
            last = name
        label = f'{{key="{_label(row["key"])}"}}' if row["key"] else ""
        lines.append(f"{name}{label} {row['total']}")
    lines.append("# TYPE connectors_heartbeat_seconds gauge")
    now = timezone.now()
    for beat in Heartbeat.objects.order_by("name"):
        age = max((now - beat.seen_at).total_seconds(), 0)
        lines.append(f'connectors_heartbeat_seconds{{name="{_label(beat.name)}"}} {age:.1f}')
    lines.append("# TYPE connectors_clusters gauge")
    lines.append(f"connectors_clusters {sum(each.is_lately for each in health.clusters(now))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
