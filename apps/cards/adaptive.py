"""Notification -> Adaptive Card, built with the typed models of `microsoft-teams-cards`.

A card reads from top to bottom: where it happened, what happened (a link), a coloured state word, who
did it and when, the facts, the body, lists, and buttons. Colour means severity and nothing else.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

from apps.cards import limits
from apps.cards.notification import ActionRef, Card, Image, Items, Notification, Severity
from apps.cards.text import Markdown, clean, escape, link, md, neutral_mentions, plain, safe_url, truncate

ActionUrl = Callable[[ActionRef], str | None]
COLOURS = {
    Severity.NEUTRAL: ("emphasis", "Default"),
    Severity.INFO: ("accent", "Accent"),
    Severity.GOOD: ("good", "Good"),
    Severity.WARNING: ("warning", "Warning"),
    Severity.ATTENTION: ("attention", "Attention"),
}
MAX_TITLE, MAX_FACT, MAX_TEXT, MAX_CODE, MAX_FACTS, MAX_ITEMS = 300, 400, 2500, 1500, 16, 12


@cache
def _m() -> ModuleType:
    # Imported at first use: it costs 0.7 s, which the web process need not pay.
    from microsoft_teams import cards

    return cards


def warm() -> None:
    """Load the card models ahead of the first event."""
    _m()


def render(notification: Notification, *, action_url: ActionUrl | None = None) -> Card:
    """The card, never over Teams' size: what is cut says so.

    action_url: makes the signed link of an action's button, or None for an action that is not offered.
    Raises nothing for any text.
    """
    warnings: list[str] = []
    content = _build(notification, action_url)
    for shrink, words in _SHRINK:
        if limits.size(content) <= limits.BUDGET:
            break
        notification = shrink(notification)
        warnings.append(words)
        content = _build(notification, action_url)
    return Card(content, summary(notification), notification.severity, tuple(warnings))


def summary(notification: Notification) -> str:
    """The line for toasts and lists."""
    if notification.summary:
        return truncate(plain(notification.summary), 200)
    words = plain(notification.title) or "Something happened"
    if notification.container and notification.container.title:
        words = f"{plain(notification.container.title)}: {words}"
    return truncate(words, 200)


def _cut_text(limit: int) -> Callable[[Notification], Notification]:
    def cut(value: Notification) -> Notification:
        return replace(value, text=truncate(value.text, limit))

    return cut


def _cut_code(value: Notification) -> Notification:
    return replace(value, code=replace(value.code, text=value.code.text[:300])) if value.code else value


def _cut_lists(value: Notification) -> Notification:
    short = tuple(
        replace(each, items=each.items[:3], total=each.total or len(each.items)) for each in value.lists
    )
    return replace(value, lists=short)


def _cut_facts(value: Notification) -> Notification:
    facts = tuple(replace(fact, value=truncate(fact.value, 80), url="") for fact in value.facts[:8])
    return replace(value, facts=facts)


def _cut_rest(value: Notification) -> Notification:
    return replace(value, image=None, code=None, lists=(), facts=value.facts[:4], links=(), actions=())


_SHRINK: tuple[tuple[Callable[[Notification], Notification], str], ...] = (
    (_cut_code, "The code was cut to fit."),
    (_cut_text(800), "The text was cut to fit."),
    (_cut_lists, "Lists were cut to fit."),
    (_cut_facts, "Facts were cut to fit."),
    (_cut_text(200), "The text was cut to fit."),
    (_cut_rest, "All but the essentials was left out to fit."),
)


def _build(notification: Notification, action_url: ActionUrl | None) -> dict[str, object]:
    m = _m()
    body: list[Any] = [_head(notification)]
    text = _paragraphs(notification.text, MAX_TEXT)
    if text:
        body.append(m.TextBlock(text=text, wrap=True, spacing="Medium"))
    if notification.code and notification.code.text.strip():
        body.append(_code(notification.code.text))
    facts = _facts(notification)
    if facts:
        body.append(m.FactSet(facts=facts, spacing="Medium"))
    for each in notification.lists:
        body += _list(each)
    picture = _picture(notification.image)
    if picture:
        body.append(picture)
    if notification.footer:
        body.append(_subtle(escape(notification.footer), spacing="Medium"))
    card = m.AdaptiveCard(
        version=limits.VERSION,
        body=body,
        actions=_buttons(notification, action_url) or None,
        fallback_text=summary(notification),
        msteams=m.TeamsCardProperties(width="full"),
    )
    content = card.model_dump(by_alias=True, exclude_none=True, mode="json")
    content["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json"
    content["msteams"] = {"width": "Full"}
    return dict(content)


def _head(notification: Notification) -> Any:
    """Container line, title, and who and when, on the colour of the severity."""
    m = _m()
    style, colour = COLOURS[notification.severity]
    where = notification.container
    title = truncate(" ".join(clean(notification.title).split()), MAX_TITLE) or "Something happened"
    url = notification.subject.url if notification.subject else ""
    rows: list[Any] = []
    top: list[Any] = []
    if where and where.title:
        name = link(truncate(" ".join(where.title.split()), 120), where.url)
        top.append(m.Column(width="stretch", items=[_subtle(name)], vertical_content_alignment="Center"))
    if notification.status:
        word = m.TextBlock(
            text=escape(truncate(notification.status, 40)),
            color=colour,
            weight="Bolder",
            size="Small",
            wrap=True,
        )
        top.append(m.Column(width="auto", items=[word], vertical_content_alignment="Center"))
    if top:
        rows.append(m.ColumnSet(columns=top))
    rows.append(
        m.TextBlock(
            text=link(title, url), size="Medium", weight="Bolder", wrap=True, style="heading", spacing="Small"
        )
    )
    who = _who(notification)
    if who:
        rows.append(who)
    return m.Container(style=style, bleed=True, items=rows)


def _who(notification: Notification) -> Any:
    m = _m()
    actor, parts = notification.actor, []
    if actor and actor.name.strip():
        name = truncate(" ".join(actor.name.split()), 80)
        parts.append(
            str(link(name + (" (bot)" if actor.bot and "bot" not in name.lower() else ""), actor.url))
        )
    if notification.occurred_at:
        parts.append(notification.occurred_at.astimezone(dt.UTC).strftime("%d %b %Y, %H:%M UTC"))
    if not parts:
        return None
    line = _subtle(Markdown(" · ".join(parts)))
    picture = safe_url(actor.image_url) if actor else ""
    if not picture.startswith("https://"):
        return line
    image = m.Image(
        url=picture,
        alt_text=plain(actor.name if actor else "") or "avatar",
        size="Small",
        style="Person",
        width="20px",
    )
    columns = [
        m.Column(width="auto", items=[image], vertical_content_alignment="Center"),
        m.Column(width="stretch", items=[line], spacing="Small", vertical_content_alignment="Center"),
    ]
    return m.ColumnSet(columns=columns, spacing="Small")


def _subtle(text: str, spacing: str | None = None) -> Any:
    return _m().TextBlock(text=str(text), is_subtle=True, size="Small", wrap=True, spacing=spacing)


def _paragraphs(text: str, limit: int) -> str:
    value = text if isinstance(text, Markdown) else _plain_paragraphs(text)
    return neutral_mentions(truncate(value, limit)).strip()


def _plain_paragraphs(text: str) -> Markdown:
    # Teams starts a new line only at an empty one.
    return Markdown("\n\n".join(line for line in escape(text).split("\n") if line.strip()))


def _code(text: str) -> Any:
    m = _m()
    lines = [line.rstrip() for line in clean(truncate(text, MAX_CODE)).split("\n")]
    shown = "\n\n".join(str(escape(line)) for line in lines if line.strip())
    block = m.TextBlock(text=shown, font_type="Monospace", size="Small", wrap=True)
    return m.Container(style="emphasis", items=[block], spacing="Medium")


def _facts(notification: Notification) -> list[Any]:
    m = _m()
    shown = []
    for fact in notification.facts:
        value = _readable(truncate(fact.value, MAX_FACT))
        if not value.strip():
            continue
        text = link(value, fact.url) if fact.url else escape(value)
        if str(text).strip() and fact.title.strip():
            shown.append(
                m.Fact(title=str(escape(truncate(fact.title, 60))), value=neutral_mentions(str(text)))
            )
    left = len(shown) - MAX_FACTS
    if left > 0:
        shown = [*shown[:MAX_FACTS], m.Fact(title="And", value=f"{left} more")]
    return shown


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def _readable(value: str | Markdown) -> str | Markdown:
    """A vendor's ISO 8601 time as people write it; every other text unchanged."""
    if not _MOMENT.fullmatch(value.strip()):
        return value
    try:
        moment = dt.datetime.fromisoformat(re.sub(r"\.(\d{6})\d+", r".\1", value.strip()))
    except ValueError:
        return value
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        moment = moment.astimezone(dt.UTC)
    except OverflowError:
        return value
    if (moment.hour, moment.minute) == (0, 0):
        return moment.strftime("%d %b %Y")
    return moment.strftime("%d %b %Y, %H:%M UTC")


def _list(each: Items) -> list[Any]:
    m = _m()
    kept = each.items[:MAX_ITEMS]
    if not kept:
        return []
    lines = []
    for item in kept:
        words = truncate(item.text, 200)
        text = escape(words) if isinstance(words, Markdown) else escape(" ".join(words.split()))
        if item.lead:
            line = md("{lead} {text}", lead=link(truncate(item.lead, 40), item.url), text=text)
        else:
            line = link(text, item.url) if item.url else text
        lines.append(f"- {line}" + (f" · {escape(truncate(item.trail, 80))}" if item.trail else ""))
    left = max(each.total or 0, len(each.items)) - len(kept)
    if left > 0:
        lines.append(f"- {link(f'and {left} more', each.more_url)}")
    made: list[Any] = []
    if each.title:
        made.append(m.TextBlock(text=str(escape(each.title)), weight="Bolder", wrap=True, spacing="Medium"))
    made.append(m.TextBlock(text=neutral_mentions("\r".join(lines)), wrap=True, spacing="Small"))
    return made


def _picture(image: Image | None) -> Any:
    url = safe_url(image.url) if image else ""
    if not image or not url.startswith("https://"):
        return None
    return _m().Image(url=url, alt_text=plain(image.alt) or "picture", size="Stretch", spacing="Medium")


def _buttons(notification: Notification, action_url: ActionUrl | None) -> list[Any]:
    m = _m()
    wanted: list[tuple[str, str]] = []
    if notification.subject and notification.subject.url:
        wanted.append((notification.link_title or "Open", notification.subject.url))
    wanted += [(each.title, each.url) for each in notification.links]
    if action_url:
        wanted += [(ref.title, action_url(ref) or "") for ref in notification.actions]
    if not wanted and notification.container and notification.container.url:
        wanted.append((notification.link_title or "Open", notification.container.url))
    made: list[Any] = []
    seen: set[str] = set()
    for title, address in wanted:
        url = safe_url(address)
        if url and url not in seen and len(made) < limits.MAX_ACTIONS:
            seen.add(url)
            made.append(m.OpenUrlAction(title=truncate(plain(title), 40) or "Open", url=url))
    return made
