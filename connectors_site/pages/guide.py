# ruff: noqa: ISC004 - sentences, broken where the line ends
"""Guides with pictures: how to get a workflow's URL in Teams, and how to let a team ask by chat.

The same words make the pages of the admin and docs/guides.md (`make docs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt


@dataclass(frozen=True, slots=True)
class Step:
    """One picture and what to do there. alt: what the picture shows, for whoever does not see it."""

    title: str
    text: str
    picture: str = ""
    alt: str = ""

    @property
    def html(self) -> SafeString:
        return _html(self.text)


@dataclass(frozen=True, slots=True)
class Guide:
    """A page. traps: what goes wrong later, and what to do about it."""

    title: str
    lead: str
    steps: tuple[Step, ...]
    traps: tuple[tuple[str, str], ...]


def _html(text: str) -> SafeString:
    return SafeString(MarkdownIt("commonmark", {"html": False}).render(text))


GUIDES: dict[str, Guide] = {
    "workflow": Guide(
        "Get a channel's webhook URL in Teams",
        "Cards reach a channel through a workflow of Microsoft's Workflows app. Making one takes a minute; it needs "
        "no administrator, unless your organization has blocked the app.",
        (
            Step(
                "Open Workflows from the channel",
                "Point at the channel, open its **⋯** menu and choose **Workflows**. If it is not there, open "
                "**Apps** at the left, search for **Workflows** and add it.",
                "channel-menu",
                "The channel General with its menu open; Workflows is marked as the entry to choose.",
            ),
            Step(
                "Choose the template",
                "Search for **webhook** and choose **Send webhook alerts to a channel**. In older versions it is "
                "called **Post to a channel when a webhook request is received**. Give it a name that says what "
                "it is for, such as *Cards in General*.",
                "template",
                "The Workflows window with “webhook” in its search field; the template Send webhook alerts to a "
                "channel is marked, the one for a chat is not.",
            ),
            Step(
                "Say where it posts",
                "Sign in when asked, choose the **team** and the **channel**, and press **Save** (older: **Add workflow**).",
                "place",
                "A form with the fields Microsoft Teams Team and Microsoft Teams Channel, and the button Save.",
            ),
            Step(
                "Copy the URL",
                "Copy the **URL** that appears and paste it on the set-up page here. Where it asks who can trigger the "
                "flow, choose **Anyone**: the URL itself is the key, so treat it like a password.",
                "copy-url",
                "The finished workflow with its HTTP URL and a Copy button; below, Anyone is chosen as who can "
                "trigger the flow.",
            ),
        ),
        (
            ("The owner leaves", "A workflow belongs to the person who made it and stops with that account. Make it "
             "with an account that stays, or add a second owner in Power Automate under **Share**."),
            ("Private channels", "The Workflows bot may not be able to post there. If nothing appears, edit the workflow "
             "and set **Post as** to **User**; the cards then carry that person's name."),
            ("Nothing for 90 days", "On some plans Power Automate switches a workflow off that was not used for 90 days, "
             "and tells its owner 30 days before. A test card from the channel's page counts as use."),
            ("Failures for 14 days", "A workflow that fails for 14 days on end is switched off. The channel's page says "
             "so as soon as Teams refuses a card."),
            ("“Accepted” and yet no card", "Teams answers before the workflow runs. Open the workflow in Power "
             "Automate and look at its **run history**."),
            ("An old URL", "URLs at webhook.office.com and logic.azure.com are dead. Open the workflow and copy its "
             "new URL."),
        ),
    ),
    "commands": Guide(
        "Let a team ask by chat",
        "An outgoing webhook lets everybody in a team write “@Connector status” and get an answer. An owner of the team "
        "makes it; it works in that team's standard channels.",
        (
            Step(
                "Make a command endpoint here",
                "Under **Command endpoints**, add one for the team and save it. Its page shows the **callback URL**. Teams "
                "must be able to reach it over HTTPS from the internet.",
            ),
            Step(
                "Open the team's settings in Teams",
                "Open the team's **⋯** menu and choose **Manage team**.",
                "team-menu",
                "The team Platform with its menu open; Manage team is marked.",
            ),
            Step(
                "Create an outgoing webhook",
                "Open the tab **Apps** and choose **Create an outgoing webhook**, at the lower right.",
                "apps-tab",
                "The tab Apps of the team's settings with the link Create an outgoing webhook.",
            ),
            Step(
                "Fill in the form",
                "The **name** is what people will mention, such as *Connector*. Paste the **callback URL**, write a "
                "description, press **Create**.",
                "webhook-form",
                "A form with the fields Name, Callback URL and Description, and the button Create.",
            ),
            Step(
                "Copy the security token",
                "Teams shows it once. Paste it into **Security token** on the endpoint's page here and save.",
                "token",
                "A window that shows the HMAC security token with a Copy button.",
            ),
            Step(
                "Test it",
                "Press **Test** on the endpoint's page: a message is signed as Teams would sign it, and the answer is "
                "shown. Then write **@Connector help** in a channel of the team.",
            ),
        ),
        (
            ("“Unable to reach app”", "Teams could not reach the callback URL, or got no answer within 5 seconds. Check "
             "that PUBLIC_URL is an https address that works from outside."),
            ("The signature is wrong", "The token belongs to another webhook, or was not copied whole. Delete the "
             "webhook in Teams, make it again, paste the new token."),
            ("Private channels and chats", "Outgoing webhooks work in standard channels alone."),
            ("Who may do what", "Anybody in the team may ask. Muting, replaying and subscribing need a role, given "
             "under **Chat users**."),
        ),
    ),
}  # fmt: skip


def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide."""
    found = GUIDES.get(slug)
    if found is None:
        raise Http404
    traps = [(title, _html(text)) for title, text in found.traps]
    values = {**admin.site.each_context(request), "title": found.title, "guide": found, "traps": traps}
    return render(request, "admin/guide.html", values)


def as_markdown() -> Iterator[str]:
    """The lines of docs/guides.md."""
    yield "# Set-up guides\n"
    yield "The admin shows them too, at `/admin/guide/workflow/` and `/admin/guide/commands/`.\n"
    for each in GUIDES.values():
        yield f"## {each.title}\n\n{each.lead}\n"
        for number, step in enumerate(each.steps, 1):
            yield f"### {number}. {step.title}\n\n{step.text}\n"
            if step.picture:
                path = f"../static/connectors/guide/{step.picture}"
                yield (
                    f'<picture><source media="(prefers-color-scheme: dark)" srcset="{path}-dark.svg">'
                    f'<img src="{path}-light.svg" alt="{step.alt}" width="640"></picture>\n'
                )
        yield "### What can go wrong\n"
        yield "\n".join(f"- **{title}.** {text}" for title, text in each.traps) + "\n"
