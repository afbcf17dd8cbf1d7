"""Azure DevOps Services and Server as a source: how requests are verified, read and screened.

https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks
https://learn.microsoft.com/azure/devops/service-hooks/events
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.sources.sdk import (
    Api,
    ApiAnswer,
    Attribute,
    Basic,
    Context,
    Events,
    Headers,
    Http,
    Option,
    Payload,
    PayloadError,
    RawEvent,
    SharedHeader,
    Source,
    Standing,
    UrlOnly,
    parse_json,
)

from . import code, others, pipelines, pull_requests, releases, work_items
from .actions import actions
from .api import ACCOUNT_KINDS, check_account, explain, meaning
from .hooks import AzureHooks
from .names import catalog_name
from .places import is_zero
from .screening import attributes, screened


class AzureDevOps(Source):
    """Service hooks of Azure DevOps Services, Azure DevOps Server and Team Foundation Server."""

    slug = "azure_devops"
    name = "Azure DevOps"
    category = "Code"
    summary = "Work items, pushes, pull requests, builds, pipelines, releases, approvals and security alerts."
    docs_url = "https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks"
    max_body = 10 * 1024 * 1024
    actions = actions
    account_kinds = ACCOUNT_KINDS
    hooks = AzureHooks()
    schemes = (
        Basic(
            key="basic",
            label="User name and password (HTTP Basic)",
            secret_help="Paste it into “Basic authentication password”; any user name will do.",  # noqa: S106
        ),
        SharedHeader(
            key="header",
            label="Secret in an HTTP header",
            secret_help="Write “X-Teams-Connectors-Token:” and the secret into “HTTP headers”.",  # noqa: S106
            header="X-Teams-Connectors-Token",
        ),
        UrlOnly(key="url", label="Nothing but the secret URL"),
    )
    options = (
        Option(
            "branches",
            "pattern",
            "Branches",
            help="Only these branches, one pattern a line: main, release/*. Pull requests count by their target.",
        ),
        Option("projects", "pattern", "Projects", help="Only these projects: Website, Pay*."),
        Option("repositories", "pattern", "Repositories", help="Only these repositories: web, api-*."),
        Option("area_paths", "pattern", "Area paths", help="Only work items below these areas: Website\\Shop."),
        Option("work_item_types", "pattern", "Work item types", help="Only these types: Bug, User Story."),
        Option(
            "results",
            "choice",
            "Builds and deployments",
            default="all",
            choices=(("all", "Every state"), ("finished", "Only finished ones"), ("failed", "Only what did not succeed")),
        ),
        Option("ignore_drafts", "bool", "Ignore draft pull requests", default=False),
        Option("ignore_bots", "bool", "Ignore bots", help="Drop what build services and bots do.", default=False),
    )  # fmt: skip
    events = Events()

    def check_account(self, api: Api) -> Standing:
        return check_account(api)

    def explain(self, answer: ApiAnswer) -> str:
        return explain(answer)

    def meaning(self, answer: ApiAnswer) -> int:
        return meaning(answer)

    def parse(self, http: Http, ctx: Context) -> Iterable[RawEvent]:
        found = parse_json(http.body)
        bodies = found if isinstance(found, list) else [found]
        seen = False
        for body in bodies:
            if not isinstance(body, dict):
                continue
            seen = True
            payload = Payload(body)
            name = catalog_name(payload)
            if not name:
                raise PayloadError(
                    "no_event",
                    "The request has neither an event type nor a message. "
                    "Let a service hook of Azure DevOps call this URL directly.",
                )
            ident = payload.opt("$.id").strip()
            yield RawEvent(name, "" if is_zero(ident) else ident, payload)
        if not seen:
            raise PayloadError(
                "not_an_object", "Azure DevOps sends a JSON object. Let it call the connector's URL directly."
            )

    def attributes(self, event: RawEvent, ctx: Context) -> Mapping[str, Attribute]:
        return attributes(event)

    def screen(self, event: RawEvent, ctx: Context) -> str | None:
        return screened(attributes(event), ctx)

    def sample_http(self, event: str, body: bytes) -> Http:
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": "VSServices/19.250"}
        return Http(headers=Headers(headers), body=body)


for _module in (work_items, code, pull_requests, pipelines, releases, others):
    AzureDevOps.events.include(_module.events)
