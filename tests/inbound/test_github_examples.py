"""Every example of GitHub's own collection goes the whole way: signed, posted, stored, understood, carded."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from apps.cards import limits
from apps.channels.models import Channel, Team
from apps.connectors import services as connectors
from apps.deliveries.models import Delivery
from apps.inbound import pipeline
from apps.inbound.models import Event, InboundRequest
from apps.sources.http import Headers, Http
from tests.sources.github.test_examples import examples


@pytest.mark.slow
@pytest.mark.django_db
def test_none_is_unsupported_or_malformed_and_every_card_is_within_the_limits() -> None:
    channel = Channel.objects.create(team=Team.objects.create(name="Platform"), name="General")
    connector, secret = connectors.create_connector(name="GitHub", source="github")
    connectors.subscribe(connector, channel, events=["*"])
    scheme = connectors.scheme_of(connector)
    found = examples()
    if not found:
        pytest.skip("the examples are not installed")
    for number, (name, payload) in enumerate(found):
        headers = {
            "X-GitHub-Event": name,
            "X-GitHub-Delivery": f"d-{number}",
            "Content-Type": "application/json",
        }
        http = scheme.sign(
            Http(headers=Headers(headers), body=json.dumps(payload).encode()), secret, timezone.now()
        )
        answer = Client().post(
            f"/hooks/{connector.public_id}",
            http.body,
            content_type="application/json",
            headers=dict(http.headers),
        )
        assert answer.status_code == 202
    while pipeline.process_batch(100).requests:
        pass
    assert InboundRequest.objects.exclude(status="processed").count() == 0
    outcomes = set(Event.objects.values_list("outcome", flat=True))
    assert outcomes <= {"matched", "ignored"}
    for card in Delivery.objects.values_list("card", flat=True):
        assert limits.check(json.loads(card)) == []
