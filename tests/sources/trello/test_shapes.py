"""What a card must say, whichever fields Trello sent, and of whatever age the action is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.sources.catalog.trello import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context
from apps.sources.understand import understand_all

MIRA = {"id": "m1", "fullName": "Mira Vale", "username": "mvale"}
BO = {"id": "m2", "fullName": "Bo Lin", "username": "bo"}
BOARD = {"id": "b1", "name": "Orbit", "shortLink": "abc"}
CARD = {"id": "c1", "idShort": 1, "name": "Dish", "shortLink": "xyz"}
MODEL = {"id": "b1", "name": "Orbit", "url": "https://trello.com/b/abc/orbit"}
CARD_MODEL = {"id": "c1", "name": "Dish", "url": "https://trello.com/c/xyz/1-dish", "idBoard": "b1"}
PAGE = "https://trello.com/c/xyz"
SHOWN = {
    "card": {"type": "card", "id": "c1", "shortLink": "xyz", "text": "Dish"},
    "member": {"type": "member", "id": "m2", "username": "bo", "text": "Bo Lin"},
    "memberCreator": {"type": "member", "id": "m1", "username": "mvale", "text": "Mira Vale"},
    "board": {"type": "board", "id": "b1", "shortLink": "abc", "text": "Orbit"},
}


def note(kind: str, data: Any, model: Any = MODEL, **action: Any) -> Notification:
    whole = {
        "id": "a1",
        "type": kind,
        "date": "2026-03-14T09:26:53.000Z",
        "memberCreator": MIRA,
        "data": data,
        **action,
    }
    http = Http(headers=Headers({}), body=json.dumps({"action": whole, "model": model}).encode())
    (found,) = understand_all(SOURCE, http, Context())
    assert isinstance(found.notification, Notification), found.reason
    card = json.dumps(adaptive.render(found.notification).content)
    assert "trello.com/1/" not in card
    assert "api.trello.com" not in card
    return found.notification


def change(card: dict[str, Any], old: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"board": BOARD, "card": {**CARD, **card}, "old": old, **data}


ON_CARD = {"board": BOARD, "card": CARD}
FILE = {"id": "f", "name": "dish.png", "url": "https://trello.com/1/cards/c1/attachments/f/download/dish.png"}
ACTIONS: list[tuple[str, dict[str, Any], str, str]] = [
    # type, data, title, link
    ("createCard", {**ON_CARD, "list": {"name": "To do"}}, "Card created: Dish", PAGE),
    ("createCard", {"board": BOARD, "card": {"id": "c1", "name": "Dish"}}, "Card created: Dish",
     "https://trello.com/c/c1"),
    ("updateCard", change({}, {"idList": "1"}, listBefore={"name": "To do"}, listAfter={"name": "Doing"}),
     "Card moved to Doing: Dish", PAGE),
    ("updateCard", change({}, {"idList": "1"}), "Card moved: Dish", PAGE),
    ("updateCard", change({"closed": True}, {"closed": False}), "Card archived: Dish", PAGE),
    ("updateCard", change({"due": None}, {"due": "2026-03-31T10:00:00.000Z"}), "Due date removed: Dish", PAGE),
    ("updateCard", change({"name": "Big dish", "desc": "Wide"}, {"name": "Dish", "desc": ""}),
     "Card renamed: Big dish", PAGE),
    ("deleteCard", {"board": BOARD, "card": {"id": "c1", "idShort": 1}}, "Card deleted: #1", "https://trello.com/b/abc"),
    ("commentCard", {**ON_CARD, "text": "Hello"}, "Comment on card: Dish", f"{PAGE}#comment-a1"),
    ("updateComment", {**ON_CARD, "action": {"id": "a9", "text": "New"}, "old": {"text": "Old"}},
     "Comment edited on card: Dish", f"{PAGE}#comment-a9"),
    ("deleteComment", {**ON_CARD, "action": {"id": "a9"}}, "Comment deleted from card: Dish", PAGE),
    ("addLabelToCard", {**ON_CARD, "text": "", "value": "green"}, "Label “green” added to the card: Dish", PAGE),
    ("addLabelToCard", {**ON_CARD, "label": {"name": "Urgent", "color": None}},
     "Label “Urgent” added to the card: Dish", PAGE),
    ("addMemberToCard", {**ON_CARD, "idMember": "m2"}, "A member added to the card: Dish", PAGE),
    ("addMemberToCard", {**ON_CARD, "member": {"id": "m2", "name": "Bo Lin"}}, "Bo Lin added to the card: Dish", PAGE),
    ("addAttachmentToCard", {**ON_CARD, "attachment": FILE}, "“dish.png” attached to card: Dish", PAGE),
    ("addAttachmentToCard", {**ON_CARD, "attachment": {"id": "f"}}, "“a file” attached to card: Dish", PAGE),
    ("updateCheckItemStateOnCard", {**ON_CARD, "checkItem": {"name": "Bolt", "state": "complete"}},
     "“Bolt” ticked off on card: Dish", PAGE),
    ("moveCardToBoard", {**ON_CARD, "boardSource": {"id": "b0"}}, "Card came from another board: Dish", PAGE),
    ("updateBoard", {"board": {**BOARD, "prefs": {"background": "blue"}}, "old": {"prefs": {}}},
     "Settings of the board changed: Orbit", "https://trello.com/b/abc"),
    ("addMemberToBoard", {"board": BOARD, "idMemberAdded": "m2", "memberType": "normal"},
     "A member was added to the board: Orbit", "https://trello.com/b/abc"),
    ("addMemberToBoard", {"board": BOARD, "idMemberAdded": "m1"}, "Mira Vale joined the board: Orbit", "https://trello.com/b/abc"),
    ("updateList", {"board": BOARD, "list": {"name": "Done", "closed": True}, "old": {"closed": False}},
     "List archived: Done", "https://trello.com/b/abc"),
    ("enablePowerUp", {"board": BOARD, "value": "calendar"}, "Power-Up enabled: calendar", "https://trello.com/b/abc"),
    ("spinCard", ON_CARD, "Spin card: Dish", PAGE),
]  # fmt: skip


@pytest.mark.parametrize("kind, data, title, url", ACTIONS, ids=[f"{row[0]}-{row[2]}" for row in ACTIONS])
def test_an_action_says_what_where_and_who(kind: str, data: dict[str, Any], title: str, url: str) -> None:
    found = note(kind, data)
    assert found.title == title
    assert found.subject is not None
    assert found.subject.url == url
    assert found.link_title == ("Open card" if "/c/" in url else "Open board")
    assert found.container is not None
    assert found.container.title == "Orbit"
    assert found.container.url == "https://trello.com/b/abc"
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"


@pytest.mark.parametrize("data", [None, {}, {"card": {}}, {"card": None, "board": None}])
def test_what_the_data_lacks_is_taken_from_what_trello_shows_itself(data: Any) -> None:
    found = note("addMemberToCard", data, {}, memberCreator=None, display={"entities": SHOWN})
    assert found.title == "Bo Lin added to the card: Dish"
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"
    assert found.container is not None
    assert found.container.url == "https://trello.com/b/abc"


@pytest.mark.parametrize("member", [None, {}, {"id": "m1"}, "m1"])
def test_an_action_without_a_member_has_no_actor_but_its_app(member: Any) -> None:
    assert note("createCard", ON_CARD, memberCreator=member).actor is None
    app = note("createCard", ON_CARD, memberCreator=member, appCreator={"id": "p", "name": "Butler"}).actor
    assert app is not None
    assert app.bot


def test_a_webhook_on_a_card_does_not_take_the_card_for_its_board() -> None:
    found = note("commentCard", {"card": {"id": "c1", "name": "Dish"}, "text": "Hi"}, CARD_MODEL)
    assert found.container is not None
    assert found.container.title == "Trello board"
    assert found.subject is not None
    assert found.subject.url == "https://trello.com/c/xyz/1-dish#comment-a1"


def test_a_webhook_on_a_workspace_opens_it() -> None:
    model = {"id": "o", "displayName": "Space", "url": "https://trello.com/w/space"}
    found = note("addMemberToOrganization", {"organization": {"id": "o", "name": "Space"}}, model, member=BO)
    assert found.title == "Bo Lin was added to the workspace: Space"
    assert found.subject is not None
    assert found.subject.url == "https://trello.com/w/space"
    assert found.link_title == "Open in Trello"


@pytest.mark.parametrize(
    "value, old, shown",
    [
        ({"checked": "true"}, None, ["Yes"]),
        ({"checked": "false"}, {"checked": "true"}, ["No", "Yes"]),
        ({"date": "2026-03-31T10:00:00.000Z"}, None, ["31 Mar 2026, 10:00 UTC"]),
        ({"number": "7"}, {"number": "6"}, ["7", "6"]),
        (None, {"text": "a"}, ["Empty", "a"]),
    ],
)
def test_a_custom_field_shows_its_value_in_words(value: Any, old: Any, shown: list[str]) -> None:
    data = {
        **ON_CARD,
        "customField": {"name": "Risk"},
        "customFieldItem": {"value": value},
        "old": {"value": old},
    }
    found = note("updateCustomFieldItem", data)
    assert found.title == "Risk changed on the card: Dish"
    assert [fact.value for fact in found.facts if fact.value] == shown


PEOPLE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("removeMemberFromBoard", {"idMember": "m2"}, BO, "Bo Lin was removed from the board: Orbit"),
    ("removeMemberFromBoard", {"idMember": "m1"}, MIRA, "Mira Vale left the board: Orbit"),
    ("memberJoinedBoard", {}, BO, "Bo Lin joined the board: Orbit"),
    ("makeObserverOfBoard", {"idMember": "m2"}, BO, "Bo Lin is now an observer of the board: Orbit"),
    ("addAdminToBoard", {"idMember": "m2"}, BO, "Bo Lin is now an admin of the board: Orbit"),
    ("removeAdminFromBoard", {"idMember": "m2"}, BO, "Bo Lin is no longer an admin of the board: Orbit"),
    ("deactivatedMemberInBoard", {"idMember": "m2"}, BO, "Bo Lin was deactivated in the board: Orbit"),
    (
        "reactivatedMemberInEnterprise",
        {"idMember": "m2"},
        BO,
        "Bo Lin was reactivated in the enterprise: Orbit",
    ),
]


@pytest.mark.parametrize("kind, data, who, title", PEOPLE, ids=[row[3] for row in PEOPLE])
def test_what_happens_to_a_member_tells_who_did_it(
    kind: str, data: dict[str, Any], who: dict[str, Any], title: str
) -> None:
    found = note(kind, {"board": BOARD, **data}, member=who)
    assert found.title == title
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"


def test_whoever_leaves_a_card_is_named_without_a_member_in_the_action() -> None:
    assert (
        note("removeMemberFromCard", {**ON_CARD, "idMember": "m1"}).title == "Mira Vale left the card: Dish"
    )


ORDER: list[tuple[str, dict[str, Any]]] = [
    ("updateList", {"list": {"name": "Done", "pos": 2}, "old": {"pos": 1}}),
    ("updateChecklist", {**ON_CARD, "checklist": {"name": "Parts", "pos": 2}, "old": {"pos": 1}}),
    ("updateCheckItem", {**ON_CARD, "checkItem": {"name": "Bolt", "pos": 2}, "old": {"pos": 1}}),
    ("updateCard", change({"pos": 2}, {"pos": 1})),
    ("updateCard", change({"subscribed": True}, {"subscribed": False})),
]


@pytest.mark.parametrize("kind, data", ORDER)
def test_another_order_or_watching_is_known_noise(kind: str, data: dict[str, Any]) -> None:
    body = {"action": {"id": "a1", "type": kind, "memberCreator": MIRA, "data": data}, "model": MODEL}
    (found,) = understand_all(SOURCE, Http(headers=Headers({}), body=json.dumps(body).encode()), Context())
    assert (found.outcome, found.code) == ("ignored", "known_noise")


SETTINGS: list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = [
    (
        {"prefs": {"permissionLevel": "public"}},
        {"prefs": {"permissionLevel": "org"}},
        {"Permission level": "org → public"},
    ),
    ({"prefs": {"selfJoin": True}}, {"prefs": {"selfJoin": False}}, {"Self join": "off → on"}),
    # A picture is only an id.
    (
        {"prefs": {"background": "59b7d0e1443cddf631c53a93"}},
        {"prefs": {"background": "lime"}},
        {"Background": "changed"},
    ),
    ({"labelNames": {"green": "Bug"}}, {"labelNames": {"green": ""}}, {"Label green": "Bug"}),
    ({"labelNames": {"green": ""}}, {"labelNames": {"green": "Bug"}}, {"Label green": "Bug removed"}),
]


@pytest.mark.parametrize("now, old, shown", SETTINGS)
def test_a_boards_settings_are_told_in_words_from_old_to_new(
    now: dict[str, Any], old: dict[str, Any], shown: dict[str, str]
) -> None:
    found = note("updateBoard", {"board": {**BOARD, **now}, "old": old})
    assert {fact.title: fact.value for fact in found.facts if fact.value} == shown


def test_changed_fields_are_named_in_words() -> None:
    found = note("updateCard", change({"idLabels": ["x"]}, {"idLabels": []}))
    assert [fact.value for fact in found.facts if fact.title == "Changed"] == ["labels"]


def test_where_a_card_came_from_is_taken_from_what_trello_shows_itself() -> None:
    shown = {"listBefore": {"type": "list", "text": "To do"}, "listAfter": {"type": "list", "text": "Doing"}}
    found = note("updateCard", change({}, {"idList": "1"}), display={"entities": shown})
    assert found.title == "Card moved to Doing: Dish"
    assert [fact.value for fact in found.facts if fact.title == "From"] == ["To do"]


def test_a_power_up_does_not_link_to_its_file_for_programs() -> None:
    plugin = {"name": "Chart", "url": "https://chart.example/manifest.json"}
    assert "manifest" not in repr(note("enablePlugin", {"board": BOARD, "plugin": plugin}))


@pytest.mark.parametrize(
    "url",
    ["https://trello-attachments.s3.amazonaws.com/b/c/dish.png", "https://trello.com/1/cards/c/dish.png"],
)
def test_a_picture_that_trello_keeps_is_not_shown_because_it_wants_a_sign_in(url: str) -> None:
    preview = {"id": "f", "name": "dish.png", "previewUrl": url, "previewUrl2x": url}
    assert note("addAttachmentToCard", {**ON_CARD, "attachment": preview}).image is None
    elsewhere = {**preview, "previewUrl2x": "https://pictures.example/dish.png"}
    assert note("addAttachmentToCard", {**ON_CARD, "attachment": elsewhere}).image is not None
