"""What buttons and commands do in Salesforce: post to a record's feed, change one of its fields.

https://developer.salesforce.com/docs/atlas.en-us.chatterapi.meta/chatterapi/ and
https://developer.salesforce.com/docs/atlas.en-us.uiapi.meta/uiapi/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.sources.sdk import (
    Act,
    ActionError,
    ActionRef,
    Actions,
    Context,
    Done,
    Fact,
    Field,
    Link,
    Payload,
    RawEvent,
    Target,
    segment,
)

from .api import VERSION

actions = Actions()
RECORD = r"(?:https?://\S+/)?(?P<record>[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?)(?:/view)?"
NAMES = ("Name", "Subject", "CaseNumber", "Title", "OrderNumber", "ContractNumber")


def _record(act: Act) -> Payload:
    record = act.param("record")
    return act.api.get(
        f"/services/data/{VERSION}/ui-api/records/{segment(record)}", layoutTypes="Compact", modes="View"
    )


def _link(act: Act, found: Payload) -> Link:
    name = next((value for key in NAMES if (value := found.opt(f"$.fields.{key}.value"))), "")
    kind = found.opt("$.apiName").removesuffix("__c").replace("_", " ")
    return Link(f"{kind} {name}".strip() or act.param("record"), f"{act.api.base}/{act.param('record')}")


def _look(act: Act) -> Target:
    found = _record(act)
    link = _link(act, found)
    return Target(link.title, found.first("$.fields.Status.value", "$.fields.StageName.value"), link.url)


@actions.on(
    "post", label="Post to feed", target=RECORD, example="500xx0000004C92AAE", look=_look,
    fields=(Field("text", "Post", kind="multiline"),),
)  # fmt: skip
def post(act: Act) -> Done:
    text = f"{act.text('text')}\n\n— {act.who}, from Microsoft Teams" if act.who else act.text("text")
    body = {
        "body": {"messageSegments": [{"type": "Text", "text": text}]},
        "feedElementType": "FeedItem",
        "subjectId": act.param("record"),
    }
    act.api.post(f"/services/data/{VERSION}/chatter/feed-elements", body)
    return Done("Posted to the feed", _link(act, _record(act)), text=act.text("text"))


@actions.on(
    "change", label="Change a field", target=RECORD, example="500xx0000004C92AAE", look=_look,
    fields=(Field("field", "Field", help="Its API name: Status, Priority, Region__c"), Field("value", "New value")),
)  # fmt: skip
def change(act: Act) -> Done:
    field = act.text("field").strip()
    if not re.fullmatch(r"[A-Za-z]\w{0,60}", field):
        raise ActionError("bad_field", "Give the field's API name, such as Status or Region__c.")
    found = _record(act)
    path = (
        f"/services/data/{VERSION}/sobjects/{segment(found.text('$.apiName'))}/{segment(act.param('record'))}"
    )
    act.api.call("PATCH", path, json={field: act.text("value")})
    return Done(f"{field} changed", _link(act, found), facts=(Fact(field, act.text("value")),))


@actions.offer
def offer(event: RawEvent, ctx: Context) -> Iterator[ActionRef]:
    """Records that still exist, whatever way they came."""
    payload = event.payload
    if payload.opt("$.action") == "deleted":
        return
    record = payload.first(
        "$.record.Id", "$.record.id", "$.sObject.Id", "$.Id", "$.id", "$.recordId", "$.fields.Id"
    )
    if re.fullmatch(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?", record):
        yield ActionRef("post", "Post to feed", (("record", record),))
        yield ActionRef("change", "Change a field", (("record", record),))
