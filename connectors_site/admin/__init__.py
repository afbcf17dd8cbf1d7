"""The admin: pages for rows, by room, and the site around them.

It stands on top of all rooms, because a button on a channel's page causes a delivery and the page of a
connector runs a sample through the pipeline. Django imports this package when it looks for admins.
"""

from __future__ import annotations

from connectors_site.admin import accounts, channels, chat, connectors, people, samples, traffic

__all__ = ["accounts", "channels", "chat", "connectors", "people", "samples", "traffic"]
