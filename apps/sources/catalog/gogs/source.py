"""Gogs, the ancestor of Gitea.

https://gogs.io/docs/features/webhook
"""

from __future__ import annotations

from apps.sources.sdk import HmacBody, UrlOnly

from ..gitea.events import catalogue
from ..gitea.source import GiteaFamily


class Gogs(GiteaFamily):
    """https://gogs.io"""

    slug = "gogs"
    name = "Gogs"
    header = "gogs"
    summary = "Pushes, issues, pull requests, comments and releases."
    docs_url = "https://gogs.io/docs/features/webhook"
    schemes = (
        HmacBody(
            key="gogs",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Gogs-Signature",
            prefix="",
        ),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    events = catalogue("Gogs", more=False)


SOURCE = Gogs()
