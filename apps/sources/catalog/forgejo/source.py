"""Forgejo: Gitea's payloads with signatures and headers of its own, and the results of Actions.

https://forgejo.org/docs/latest/user/webhooks/
"""

from __future__ import annotations

from apps.sources.sdk import HmacBody, SharedHeader, UrlOnly

from ..gitea.events import action_run, catalogue
from ..gitea.source import GiteaFamily


class Forgejo(GiteaFamily):
    """https://forgejo.org"""

    slug = "forgejo"
    name = "Forgejo"
    header = "forgejo"
    summary = "Pushes, issues, pull requests, reviews, releases, packages and the results of Actions."
    docs_url = "https://forgejo.org/docs/latest/user/webhooks/"
    schemes = (
        HmacBody(
            key="forgejo",
            label="Signed with a secret (SHA-256)",
            secret_help="Paste it into the field “Secret” of the webhook.",  # noqa: S106 - words, not a secret
            header="X-Forgejo-Signature",
            fallbacks=("X-Gitea-Signature",),
            prefix="",
        ),
        SharedHeader(key="header", label="By the Authorization header", header="Authorization"),
        UrlOnly(key="url", label="By the secret address alone"),
    )
    events = catalogue("Forgejo", more=True)


Forgejo.events.many(
    {
        "action_run.failure": "Run failed",
        "action_run.recover": "Run works again",
        "action_run.success": "Run succeeded",
    },
    group="Actions",
    default=("action_run.failure", "action_run.recover"),
)(action_run)
Forgejo.events.fallback("action_run")(action_run)
SOURCE = Forgejo()
