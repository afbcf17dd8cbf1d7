"""What buttons and commands do in Trello.

https://developer.atlassian.com/cloud/trello/rest/api-group-cards/
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.sources.sdk import (
    Act,
    ActionRef,
    Actions,
    Context,
    Done,
    Field,
    Link,
    Payload,
    RawEvent,
    Target,
    segment,
)

actions = Actions()
CARD = r"(?:https?://trello\.com/c/)?(?P<card>[A-Za-z0-9]{8,24})(?:/\S*)?"
BOARD = r"(?:https?://trello\.com/b/)?(?P<board>[A-Za-z0-9]{8,24})(?:/\S*)?"
FIELDS = "name,closed,idBoard,idList,shortUrl"


def _path(act: Act, rest: str = "") -> str:
    return f"/cards/{segment(act.param('card'))}{rest}"


def _card(act: Act) -> Payload:
    return act.api.get(_path(act), fields=FIELDS)


def _link(found: Payload) -> Link:
    return Link(found.opt("$.name") or "Card", found.first("$.shortUrl", "$.url"))


def _look(act: Act) -> Target:
    found = _card(act)
    return Target(found.opt("$.name"), "Archived" if found.flag("$.closed") else "", found.opt("$.shortUrl"))


def _lists(act: Act, board: str) -> tuple[tuple[str, str], ...]:
    found = act.api.get(f"/boards/{segment(board)}/lists", filter="open", fields="name")
    return tuple((each.text("$.id"), each.opt("$.name")) for each in found.each("$", 200))


def _look_lists(act: Act) -> Target:
    found = _card(act)
    lists = _lists(act, found.text("$.idBoard"))
    here = next((name for key, name in lists if key == found.opt("$.idList")), "")
    return Target(found.opt("$.name"), here, found.opt("$.shortUrl"), {"list": lists})


def _look_board(act: Act) -> Target:
    found = act.api.get(f"/boards/{segment(act.param('board'))}", fields="name,shortUrl")
    lists = _lists(act, found.opt("$.id") or act.param("board"))
    start = {"list": lists[0][0]} if lists else {}
    return Target(found.opt("$.name"), "", found.opt("$.shortUrl"), {"list": lists}, start)


def _signed(act: Act, text: str) -> str:
    # “@” before a name would call a member.
    name = act.who.replace("@", "")
    return f"{text}\n\n— {name}, from Microsoft Teams" if name else text


@actions.on(
    "comment", label="Comment", target=CARD, example="aBcD1234", look=_look,
    fields=(Field("text", "Comment", kind="multiline"),),
)  # fmt: skip
def comment(act: Act) -> Done:
    act.api.call("POST", _path(act, "/actions/comments"), form={"text": _signed(act, act.text("text"))})
    return Done("Comment added", _link(_card(act)), text=act.text("text"))


@actions.on(
    "move", label="Move", target=CARD, example="aBcD1234", look=_look_lists,
    fields=(Field("list", "To list", kind="choice"),),
)  # fmt: skip
def move(act: Act) -> Done:
    found = act.api.call("PUT", _path(act), form={"idList": act.text("list")}).payload()
    names = dict(_lists(act, found.text("$.idBoard")))
    return Done(f"Moved to {names.get(act.text('list'), 'another list')}", _link(found))


@actions.on("archive", label="Archive", target=CARD, example="aBcD1234", look=_look)
def archive(act: Act) -> Done:
    if _card(act).flag("$.closed"):
        return Done("Archived already", _link(_card(act)))
    return Done("Archived", _link(act.api.call("PUT", _path(act), form={"closed": "true"}).payload()))


@actions.on("restore", label="Send to board", target=CARD, example="aBcD1234", look=_look)
def restore(act: Act) -> Done:
    return Done(
        "Back on the board", _link(act.api.call("PUT", _path(act), form={"closed": "false"}).payload())
    )


@actions.on(
    "create", label="Create card", target=BOARD, example="xYz98765", look=_look_board,
    fields=(
        Field("name", "Title"), Field("list", "List", kind="choice", required=False),
        Field("description", "Description", kind="multiline", required=False),
    ),
)  # fmt: skip
def create(act: Act) -> Done:
    chosen = act.text("list") or _look_board(act).defaults.get("list", "")
    form = {
        "idList": chosen,
        "name": act.text("name"),
        "desc": _signed(act, act.text("description")),
        "pos": "top",
    }
    return Done("Card created", _link(act.api.call("POST", "/cards", form=form).payload()))


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Cards that still exist can be commented on, moved and archived."""
    if not event.name.startswith(("card.", "comment.created")) or event.name == "card.deleted":
        return
    data = event.payload.sub("$.action.data.card")
    number = data.first("$.shortLink", "$.id")
    if not number:
        return
    params = (("card", number),)
    yield ActionRef("comment", "Comment", params)
    if event.name == "card.archived" or data.flag("$.closed"):
        yield ActionRef("restore", "Send to board", params)
        return
    yield ActionRef("move", "Move", params)
    yield ActionRef("archive", "Archive", params)
