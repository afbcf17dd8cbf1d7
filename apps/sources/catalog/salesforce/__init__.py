"""Salesforce: outbound messages, flows, Apex, platform events and change events."""

from __future__ import annotations

from .source import Salesforce

SOURCE = Salesforce()
