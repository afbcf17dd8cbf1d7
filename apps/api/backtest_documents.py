"""The shapes of a backtest, for the OpenAPI document alone."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from apps.api.documents import ID, FilterShape


class BacktestCall(s.Serializer[Any]):
    subscription = s.CharField(required=False, help_text="To change one; what is left out stays as saved.")
    connector = s.CharField(required=False, help_text="For a new one.")
    events = s.ListField(child=s.CharField(), required=False)
    filters = FilterShape(many=True, required=False)
    options = s.DictField(required=False, help_text="The connector's options, to see changed cards.")
    days = s.IntegerField(required=False, help_text="1 to 90, else 7.")
    limit = s.IntegerField(required=False, help_text="Events, newest first: 1 to 2000, else 500.")
    cursor = s.CharField(required=False, allow_null=True, help_text="Of an answer that was not complete.")


class BacktestEvent(s.Serializer[Any]):
    id = s.CharField(**ID)
    type = s.CharField()
    title = s.CharField()
    received_at = s.DateTimeField()
    why = s.CharField(required=False)


class BacktestPair(BacktestEvent):
    before = s.DictField(help_text="The card as saved.")
    after = s.DictField(help_text="The card with these settings.")


class BacktestDay(s.Serializer[Any]):
    day = s.DateField(help_text="In UTC.")
    events = s.IntegerField()
    sent = s.IntegerField()
    sent_before = s.IntegerField()


class BacktestReason(s.Serializer[Any]):
    rule = s.CharField()
    events = s.IntegerField()


class BacktestProblem(s.Serializer[Any]):
    problem = s.CharField()
    cards = s.IntegerField()


class BacktestAnswer(s.Serializer[Any]):
    total = s.IntegerField(help_text="Events that there are to look at.")
    checked = s.IntegerField(help_text="Events that this answer is about.")
    complete = s.BooleanField(help_text="False: ask again with the cursor for the rest.")
    cursor = s.CharField(allow_null=True)
    compared = s.BooleanField(help_text="Whether there is something saved to compare with.")
    sent = s.IntegerField()
    dropped = s.IntegerField()
    sent_before = s.IntegerField()
    newly_sent = s.IntegerField()
    newly_dropped = s.IntegerField()
    changed = s.IntegerField(help_text="Cards that look different.")
    unreadable = s.IntegerField(help_text="Events whose stored request cannot be read any more.")
    added_events = BacktestEvent(many=True)
    removed_events = BacktestEvent(many=True)
    changed_cards = BacktestPair(many=True)
    days = BacktestDay(many=True)
    reasons = BacktestReason(many=True)
    problems = BacktestProblem(many=True)
    biggest = s.IntegerField(help_text="Bytes of the biggest card, as Teams counts them.")
    budget = s.IntegerField()
    hints = s.ListField(child=s.CharField(), help_text="What looks like a slip, such as an unknown field.")
