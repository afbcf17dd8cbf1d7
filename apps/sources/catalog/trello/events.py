"""Trello's actions as notifications.

The shapes are those of https://developer.atlassian.com/cloud/trello/guides/rest-api/action-types/ and of the
models that the webhook's body carries beside the action.
"""

from __future__ import annotations

from apps.sources.sdk import (
    Actor,
    Context,
    Events,
    Fact,
    Image,
    Link,
    Markdown,
    Notification,
    Payload,
    RawEvent,
    Severity,
    from_gfm,
    parse_time,
)

from .names import snake

events = Events()
PICTURES = (".png", ".jpg", ".jpeg", ".gif")


def board(payload: Payload) -> Link | None:
    """The board of an action; for webhooks on a workspace or member, that model."""
    data, model = payload.sub("$.action.data"), payload.sub("$.model")
    found = data.sub("$.board") or shown_as(payload, "board")
    name = found.first("$.name", "$.text")
    if name or found.opt("$.shortLink"):
        short = found.opt("$.shortLink")
        same = model.opt("$.id") and model.opt("$.id") == found.opt("$.id")
        url = f"https://trello.com/b/{short}" if short else model.first("$.url", "$.shortUrl") if same else ""
        return Link(name or "Board", url)
    if "/b/" in model.opt("$.url"):
        return Link(model.first("$.name") or "Board", model.opt("$.url"))
    number = found.opt("$.id") or model.opt("$.idBoard")
    if number:  # a webhook on a card names its board by its id at most
        return Link("Trello board", f"https://trello.com/b/{number}")
    space = data.sub("$.organization")
    title = space.opt("$.name") or model.first("$.displayName", "$.name", "$.fullName")
    return Link(title, model.opt("$.url")) if title else None


def card_url(payload: Payload) -> str:
    """The card's page, or ""."""
    data, model = payload.sub("$.action.data"), payload.sub("$.model")
    short = data.opt("$.card.shortLink") or shown_as(payload, "card").opt("$.shortLink")
    if short:
        return f"https://trello.com/c/{short}"
    if model.opt("$.id") == data.opt("$.card.id") and "/c/" in model.first("$.url", "$.shortUrl"):
        return model.first("$.url", "$.shortUrl")
    return f"https://trello.com/c/{data.opt('$.card.id')}" if data.opt("$.card.id") else ""


def member(found: Payload) -> Actor | None:
    """A member, with the picture that Trello serves."""
    name = found.first("$.fullName", "$.name", "$.text", "$.username")
    if not name:
        return None
    user, picture = found.opt("$.username"), found.opt("$.avatarUrl")
    if picture and not picture.endswith(PICTURES):
        picture = f"{picture}/50.png"
    elif not picture and found.opt("$.avatarHash") and found.opt("$.id"):
        picture = (
            f"https://trello-members.s3.amazonaws.com/{found.opt('$.id')}/{found.opt('$.avatarHash')}/50.png"
        )
    return Actor(name, f"https://trello.com/{user}" if user else "", picture)


def shown_as(payload: Payload, key: str) -> Payload:
    """What Trello shows in its own feed for a part of the action; there when the part itself is not."""
    return payload.sub(f"$.action.display.entities.{key}")


def names_of(old: Payload) -> str:
    """The fields that a change touched, in words: `idLabels` -> `labels`."""
    return ", ".join(snake(key).replace("_", " ").removeprefix("id ") for key in old.keys("$")[:6])


def page_url(url: str) -> str:
    """The address when a browser can open it; files have addresses of the API, which want a token."""
    return "" if "://api.trello.com/" in url or "://trello.com/1/" in url else url


def _day(value: str) -> str:
    moment = parse_time(value)
    return moment.strftime("%d %b %Y, %H:%M UTC") if moment else value


def tell(
    event: RawEvent,
    title: str,
    *,
    what: str = "",
    url: str = "",
    status: str = "",
    severity: Severity = Severity.NEUTRAL,
    text: str | Markdown = "",
    facts: tuple[Fact, ...] = (),
    image: Image | None = None,
    links: tuple[Link, ...] = (),
) -> Notification:
    """A notification with what all actions share. what: the thing's own name, put behind the title."""
    payload = event.payload
    action = payload.sub("$.action")
    data = action.sub("$.data")
    place = board(payload)
    card = shown_as(payload, "card")
    name = what or data.opt("$.card.name") or card.first("$.text", "$.name")
    target = url or (card_url(payload) if data.has("$.card") or card else "") or (place.url if place else "")
    listed = data.first("$.list.name", "$.card.list.name")
    shared = (Fact("List", listed),) if listed and not any(each.title == "List" for each in facts) else ()
    app = action.opt("$.appCreator.name")
    return Notification(
        title=" ".join((f"{title}: {name}" if name else title).split()),
        status=status,
        severity=severity,
        text=text,
        actor=member(action.sub("$.memberCreator"))
        or member(shown_as(payload, "memberCreator"))
        or (Actor(app, bot=True) if app else None),
        subject=Link(name or title, target) if target else None,
        container=place,
        facts=(*facts, *(shared if data.has("$.card") else ())),
        image=image,
        links=links,
        occurred_at=action.time("$.date"),
        thread_key=f"trello:{data.first('$.card.id', '$.board.id')}",
        link_title="Open card" if "/c/" in target else "Open board" if "/b/" in target else "Open in Trello",
    )


# --- Cards --------------------------------------------------------------------------------------
@events.on("card.created", group="Cards", label="Card created")
@events.on("card.copied", group="Cards", label="Card copied")
@events.on("card.converted", group="Cards", label="Check item turned into a card")
def card_made(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    titles = {
        "card.created": "Card created",
        "card.copied": "Card copied",
        "card.converted": "Card made of an item",
    }
    origin = data.first("$.cardSource.name", "$.checkItem.name")
    return tell(
        event, titles[event.name], severity=Severity.INFO, status="New",
        text=from_gfm(data.opt("$.card.desc"), max_chars=1200),
        facts=(Fact("From", origin), Fact("Due", _day(data.opt("$.card.due")))),
    )  # fmt: skip


@events.on("card.moved", group="Cards", label="Card moved to another list")
def card_moved(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    shown = {
        key: shown_as(event.payload, key).first("$.text", "$.name") for key in ("listBefore", "listAfter")
    }
    after = data.opt("$.listAfter.name") or shown["listAfter"] or data.opt("$.list.name")
    return tell(
        event, f"Card moved to {after}" if after else "Card moved", severity=Severity.INFO, status=after,
        facts=(Fact("From", data.opt("$.listBefore.name") or shown["listBefore"]), Fact("List", after)),
    )  # fmt: skip


@events.on("card.archived", group="Cards", label="Card archived")
@events.on("card.unarchived", group="Cards", label="Card sent back to the board")
@events.on("card.deleted", group="Cards", label="Card deleted")
@events.on("card.completed", group="Cards", label="Card marked as complete")
@events.on("card.reopened", group="Cards", label="Card marked as not complete", default=False)
def card_state(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    titles = {
        "card.archived": ("Card archived", "Archived", Severity.NEUTRAL),
        "card.unarchived": ("Card sent back to the board", "Open", Severity.INFO),
        "card.deleted": ("Card deleted", "Deleted", Severity.WARNING),
        "card.completed": ("Card completed", "Complete", Severity.GOOD),
        "card.reopened": ("Card no longer complete", "Open", Severity.INFO),
    }
    title, status, severity = titles[event.name]
    number = data.opt("$.card.idShort")
    name = data.opt("$.card.name") or (f"#{number}" if number else "")
    place = board(event.payload)
    gone = event.name == "card.deleted"
    return tell(
        event, title, what=name, status=status, severity=severity, url=(place.url if place else "") if gone else "",
        facts=(Fact("Due", _day(data.opt("$.card.due"))),),
    )  # fmt: skip


@events.on("card.renamed", group="Cards", label="Card renamed")
def card_renamed(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    # One change may hold both.
    text = from_gfm(data.opt("$.card.desc"), max_chars=600) if data.has("$.old.desc") else ""
    return tell(event, "Card renamed", text=text, facts=(Fact("Was", data.opt("$.old.name")),))


@events.on("card.described", group="Cards", label="Description of a card changed")
def card_described(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    now, before = data.opt("$.card.desc"), data.opt("$.old.desc")
    title = (
        "Card description changed"
        if now and before
        else "Card described"
        if now
        else "Card description removed"
    )
    return tell(event, title, text=from_gfm(now, max_chars=1200))


@events.on("card.due", group="Cards", label="Due or start date of a card changed")
def card_due(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    key = "due" if "due" in data.sub("$.old").keys() else "start"  # noqa: SIM118 - a method of Payload
    now, before = data.opt(f"$.card.{key}"), data.opt(f"$.old.{key}")
    noun = "Due date" if key == "due" else "Start date"
    verb = ("changed" if before else "set") if now else "removed"
    return tell(
        event, f"{noun} {verb}", severity=Severity.INFO if now else Severity.NEUTRAL,
        facts=(Fact("Due" if key == "due" else "Start", _day(now)), Fact("Was", _day(before))),
    )  # fmt: skip


@events.on("card.arrived", group="Cards", label="Card came from another board")
@events.on("card.left", group="Cards", label="Card went to another board")
def card_between_boards(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    came = event.name == "card.arrived"
    other = data.first("$.boardSource.name", "$.boardTarget.name")
    title = "Card came from another board" if came else "Card went to another board"
    return tell(event, title, facts=(Fact("From" if came else "To", other),), severity=Severity.INFO)


@events.on("card.member_added", group="Cards", label="Member added to a card")
@events.on("card.member_removed", group="Cards", label="Member removed from a card", default=False)
def card_member(event: RawEvent, ctx: Context) -> Notification:
    action = event.payload.sub("$.action")
    who = (
        member(action.sub("$.member"))
        or member(action.sub("$.data.member"))
        or member(shown_as(event.payload, "member"))
    )
    name = who.name if who else "A member"
    joined = event.name.endswith("added")
    number = action.first("$.member.id", "$.data.idMember", "$.data.member.id")
    same = bool(number) and number == action.opt("$.memberCreator.id")
    if same and not who:
        who = member(action.sub("$.memberCreator"))
        name = who.name if who else name
    title = f"{name} {'joined' if joined else 'left'} the card" if same else (
        f"{name} {'added to' if joined else 'removed from'} the card"
    )  # fmt: skip
    return tell(event, title, facts=(Fact("Member", name if who else "", who.url if who else ""),))


@events.on("card.labelled", group="Cards", label="Label added to a card")
@events.on("card.unlabelled", group="Cards", label="Label removed from a card", default=False)
def card_label(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    label = data.first("$.label.name", "$.text", "$.label.color", "$.value") or "Label"
    verb = "added to" if event.name == "card.labelled" else "removed from"
    colour = data.first("$.label.color", "$.value")
    return tell(event, f"Label “{label}” {verb} the card", facts=(Fact("Colour", colour),))


@events.on("card.field_changed", group="Cards", label="Custom field of a card changed", default=False)
def card_field(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    item = data.sub("$.customFieldItem.value")
    value = item.first("$.text", "$.number", "$.date", "$.checked", "$.option") or (
        "Another choice" if data.opt("$.customFieldItem.idValue") else "Empty"
    )
    field = data.opt("$.customField.name") or "Custom field"
    old = data.sub("$.old.value").first("$.text", "$.number", "$.date", "$.checked")
    said = {"true": "Yes", "false": "No"}
    return tell(
        event, f"{field} changed on the card",
        facts=(Fact(field, said.get(value) or _day(value)), Fact("Was", said.get(old) or _day(old))),
    )  # fmt: skip


@events.on("card.cover", group="Cards", label="Cover of a card changed", default=False)
@events.on("card.location", group="Cards", label="Location of a card changed", default=False)
@events.on("card.template", group="Cards", label="Card made a template or link card", default=False)
@events.on("card.voted", group="Cards", label="Vote on a card", default=False)
@events.on("card.sticker", group="Cards", label="Sticker on a card", default=False)
@events.on("card.updated", group="Cards", label="Another change of a card", default=False)
def card_other(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    titles = {
        "card.cover": "Cover of the card changed", "card.location": "Location of the card changed",
        "card.template": "Card's kind changed", "card.sticker": "Sticker put on the card", "card.updated": "Card changed",
        "card.voted": "Vote for the card" if data.flag("$.voted", default=True) else "Vote withdrawn from the card",
    }  # fmt: skip
    return tell(
        event, titles[event.name],
        facts=(
            Fact("Location", data.first("$.card.locationName", "$.card.address")),
            Fact("Changed", names_of(data.sub("$.old")) if event.name == "card.updated" else ""),
        ),
    )  # fmt: skip


events.ignore("card.reordered", reason="Only the order inside a list changed.")
events.ignore("card.reminder", reason="Only the reminder of a due date changed.")
events.ignore("card.watched", reason="A member only watches the card, or no longer.")
events.ignore("checklist.reordered", reason="Only the order of the checklists changed.")
events.ignore("checkitem.reordered", reason="Only the order of the items changed.")


# --- Comments and attachments ----------------------------------------------------------------------
@events.on("comment.created", group="Comments", label="Comment on a card")
@events.on("comment.copied", group="Comments", label="Comment copied with a card", default=False)
@events.on("comment.edited", group="Comments", label="Comment edited", default=False)
@events.on("comment.deleted", group="Comments", label="Comment deleted", default=False)
@events.on("comment.reaction", group="Comments", label="Reaction to a comment", default=False)
def comment(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    titles = {
        "comment.created": "Comment on card", "comment.copied": "Comment copied to card",
        "comment.edited": "Comment edited on card", "comment.deleted": "Comment deleted from card",
        "comment.reaction": "Reaction on card",
    }  # fmt: skip
    text = data.first("$.text", "$.action.text", "$.comment.text", "$.textData.text")
    url = card_url(event.payload)
    number = data.first("$.action.id") or event.payload.opt("$.action.id")
    if url and number and event.name in ("comment.created", "comment.edited"):
        url = f"{url}#comment-{number}"
    return tell(event, titles[event.name], url=url, text=from_gfm(text, max_chars=1500),
                severity=Severity.INFO if event.name == "comment.created" else Severity.NEUTRAL)  # fmt: skip


@events.on("attachment.added", group="Comments", label="Attachment added")
@events.on("attachment.removed", group="Comments", label="Attachment removed", default=False)
def attachment(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    name, url = data.opt("$.attachment.name") or "a file", page_url(data.opt("$.attachment.url"))
    picture = data.first("$.attachment.previewUrl2x", "$.attachment.previewUrl")
    # Pictures that Trello hosts ask for a sign-in, so only others can be shown.
    shown = Image(picture, name) if picture.startswith("https://") and "trello" not in picture else None
    verb = "attached to" if event.name == "attachment.added" else "removed from"
    return tell(event, f"“{name}” {verb} card", facts=(Fact("Attachment", name, url),), image=shown)


# --- Checklists -------------------------------------------------------------------------------------
@events.on("checklist.added", group="Checklists", label="Checklist added to a card")
@events.on("checklist.created", group="Checklists", label="Checklist made", default=False)
@events.on("checklist.copied", group="Checklists", label="Checklist copied", default=False)
@events.on("checklist.updated", group="Checklists", label="Checklist changed", default=False)
@events.on("checklist.removed", group="Checklists", label="Checklist removed", default=False)
def checklist(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    name = data.opt("$.checklist.name") or "Checklist"
    verbs = {
        "checklist.added": "added to card", "checklist.created": "made", "checklist.copied": "copied",
        "checklist.updated": "changed", "checklist.removed": "removed from card",
    }  # fmt: skip
    was = data.first("$.old.name", "$.checklistSource.name")
    return tell(
        event, f"Checklist “{name}” {verbs[event.name]}", facts=(Fact("Checklist", name), Fact("Was", was))
    )


@events.on("checkitem.completed", group="Checklists", label="Item ticked off")
@events.on("checkitem.reopened", group="Checklists", label="Item no longer ticked", default=False)
@events.on("checkitem.created", group="Checklists", label="Item added", default=False)
@events.on("checkitem.updated", group="Checklists", label="Item changed", default=False)
@events.on("checkitem.due", group="Checklists", label="Due date of an item changed", default=False)
@events.on("checkitem.assigned", group="Checklists", label="Member assigned to an item", default=False)
@events.on("checkitem.unassigned", group="Checklists", label="Member removed from an item", default=False)
@events.on("checkitem.deleted", group="Checklists", label="Item deleted", default=False)
def checkitem(event: RawEvent, ctx: Context) -> Notification:
    data = event.payload.sub("$.action.data")
    name = data.opt("$.checkItem.name") or "Item"
    verbs = {
        "checkitem.completed": ("ticked off on", Severity.GOOD, "Done"),
        "checkitem.reopened": ("no longer ticked on", Severity.INFO, "Open"),
        "checkitem.created": ("added to", Severity.NEUTRAL, ""),
        "checkitem.updated": ("changed on", Severity.NEUTRAL, ""),
        "checkitem.due": ("has a new due date on", Severity.NEUTRAL, ""),
        "checkitem.assigned": ("assigned on", Severity.NEUTRAL, ""),
        "checkitem.unassigned": ("unassigned on", Severity.NEUTRAL, ""),
        "checkitem.deleted": ("deleted from", Severity.WARNING, ""),
    }  # fmt: skip
    verb, severity, status = verbs[event.name]
    who = member(event.payload.sub("$.action.member"))
    return tell(
        event, f"“{name}” {verb} card", severity=severity, status=status,
        facts=(
            Fact("Checklist", data.opt("$.checklist.name")), Fact("Item", name), Fact("Was", data.opt("$.old.name")),
            Fact("Due", _day(data.opt("$.checkItem.due"))), Fact("Member", who.name if who else ""),
        ),
    )  # fmt: skip
