"""The URL that old tools can keep: takes what they send to Teams' retired webhooks, and what they send to Slack."""

from __future__ import annotations

from .source import IncomingWebhook

SOURCE = IncomingWebhook()
