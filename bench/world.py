"""Sets the product up for a run, by the database: `python -m bench.world COMMAND ...` prints JSON."""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectors_site.settings")

import django

django.setup()

from apps.cards import adaptive  # noqa: E402
from apps.cards.notification import Notification  # noqa: E402
from apps.channels import services as channels  # noqa: E402
from apps.channels.models import Channel, Team  # noqa: E402
from apps.connectors import services as connectors  # noqa: E402
from apps.deliveries import services as deliveries  # noqa: E402
from apps.deliveries.models import Delivery  # noqa: E402


def channel(name: str, url: str) -> Channel:
    """A channel that leads to `url`."""
    team, _ = Team.objects.get_or_create(name="Bench")
    made, _ = Channel.objects.get_or_create(team=team, name=name)
    if not made.webhook_urls.exists():
        channels.add_url(made, url)
    return made


def connector(sink: str) -> dict[str, object]:
    """A GitHub connector with one channel at the sink."""
    made, secret = connectors.create_connector(name="Bench", source="github")
    connectors.subscribe(made, channel("one", f"{sink}/one"), events=["*"])
    return {"id": made.public_id, "key": made.pk, "secret": secret}


def spread(sink: str, count: int) -> dict[str, object]:
    """As many GitHub connectors as channels, so that pacing holds nobody back."""
    found = []
    for number in range(count):
        made, secret = connectors.create_connector(name=f"Bench {number}", source="github")
        connectors.subscribe(made, channel(f"c{number}", f"{sink}/c{number}"), events=["*"])
        found.append({"id": made.public_id, "key": made.pk, "secret": secret})
    return {"connectors": found}


def backlog(sink: str, urls: int, each: int) -> dict[str, object]:
    """`urls` channels with `each` waiting cards."""
    rows: list[Delivery] = []
    places = [channel(f"c{number}", f"{sink}/c{number}") for number in range(urls)]
    for turn in range(each):
        for place in places:
            card = adaptive.render(Notification(f"Card {turn} of {place.name}", text="Measured. " * 20))
            rows.append(deliveries.build(place.pk, card))
    Delivery.objects.bulk_create(rows, batch_size=1000)
    return {"deliveries": len(rows)}


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    values = [int(each) if each.isdecimal() else each for each in rest]
    print(json.dumps({"connector": connector, "spread": spread, "backlog": backlog}[name](*values)))  # type: ignore[operator]
