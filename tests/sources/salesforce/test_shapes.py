"""What a card must say, whatever the edition, the host, or the hand that wrote the JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.cards import adaptive
from apps.cards.notification import Notification
from apps.sources.catalog.salesforce import SOURCE
from apps.sources.http import Headers, Http
from apps.sources.source import Context, Understood
from apps.sources.understand import understand_all

CASE, ACCOUNT, USER, DEAL = (
    "5009000000AbCdEAAV",
    "0019000000AbCdEAAV",
    "0059000000AbCdAAAK",
    "0069000000AbCdEAAV",
)
HOME = "https://orbit.my.salesforce.com"
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00D90000000zzzzEAA</OrganizationId>
<ActionId>04k90000000XXXXAAA</ActionId><SessionId xsi:nil="true"/>{urls}
<Notification><Id>04l90000000aaaaAAA</Id>
<sObject xsi:type="sf:{api}" xmlns:sf="urn:sobject.{wsdl}.soap.sforce.com">{fields}</sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>"""


def soap(api: str, host: str = HOME, wsdl: str = "enterprise", **fields: str | None) -> bytes:
    inner = "".join(
        f'<sf:{name} xsi:nil="true"/>' if value is None else f"<sf:{name}>{value}</sf:{name}>"
        for name, value in fields.items()
    )
    urls = f"<EnterpriseUrl>{host}/services/Soap/c/45.0/00D9</EnterpriseUrl><PartnerUrl/>" if host else ""
    return ENVELOPE.format(api=api, urls=urls, wsdl=wsdl, fields=inner).encode()


def outcome(body: bytes | dict[str, Any], **options: Any) -> Understood:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (found,) = understand_all(SOURCE, Http(headers=Headers({}), body=raw), Context(options=options))
    return found


def note(body: bytes | dict[str, Any], **options: Any) -> Notification:
    found = outcome(body, **options).notification
    assert isinstance(found, Notification)
    assert "/services/" not in json.dumps(adaptive.render(found).content)
    return found


MESSAGES: list[tuple[bytes, str, str, str]] = [
    # message, title, place, link
    (soap("Account", Id=ACCOUNT), f"Account: {ACCOUNT}", "Salesforce orbit",
     f"https://orbit.lightning.force.com/lightning/r/Account/{ACCOUNT}/view"),
    (soap("Account", wsdl="partner", Id=ACCOUNT, Name="Orbit Ltd", Phone=None), "Account: Orbit Ltd", "Salesforce orbit",
     f"https://orbit.lightning.force.com/lightning/r/Account/{ACCOUNT}/view"),
    (soap("Account", "https://na1.salesforce.com", Id=ACCOUNT, Name="Orbit Ltd"), "Account: Orbit Ltd", "Salesforce na1",
     f"https://na1.salesforce.com/{ACCOUNT}"),
    (soap("Case", "https://orbit--uat.cs83.my.salesforce.com", Id=CASE, CaseNumber="0012"), "Case 0012",
     "Salesforce orbit--uat", f"https://orbit--uat.cs83.my.salesforce.com/{CASE}"),
    (soap("Case", "https://orbit--uat.sandbox.my.salesforce.com", Id=CASE, CaseNumber="0012", Subject="Dish is broken"),
     "Case 0012: Dish is broken", "Salesforce orbit--uat",
     f"https://orbit--uat.sandbox.lightning.force.com/lightning/r/Case/{CASE}/view"),
    (soap("Case", "", Id=CASE, Subject="Dish is broken"), "Case: Dish is broken", "Salesforce", ""),
    (soap("Visit__c", Id="a009000000AbCdEAAV", Name="V-1", Status__c="Planned"), "Visit: V-1", "Salesforce orbit",
     "https://orbit.lightning.force.com/lightning/r/Visit__c/a009000000AbCdEAAV/view"),
    (soap("Lead", Id="00Q9000000AbCdEAAV", FirstName=None, LastName="Lin", Company="Dish Co"), "Lead: Lin (Dish Co)",
     "Salesforce orbit", "https://orbit.lightning.force.com/lightning/r/Lead/00Q9000000AbCdEAAV/view"),
]  # fmt: skip


@pytest.mark.parametrize("body, title, place, url", MESSAGES, ids=[row[1] + row[3] for row in MESSAGES])
def test_an_outbound_message_opens_the_record_itself(body: bytes, title: str, place: str, url: str) -> None:
    found = note(body)
    assert found.title == title
    assert found.container is not None
    assert found.container.title == place
    assert (found.subject.url if found.subject else "") == url


API = f"{HOME}/services/data/v58.0/sobjects/Account/{ACCOUNT}"
HEADER = {"entityName": "Account", "recordIds": [ACCOUNT], "changeType": "UPDATE", "commitUser": USER}
BODIES: list[tuple[dict[str, Any], str, str]] = [
    # body, event, title
    ({"Id": CASE, "CaseNumber": "0012", "Subject": "Dish is broken"}, "case", "Case 0012: Dish is broken"),
    ({"case": {"id": CASE, "number": "0012", "subject": "Dish is broken"}, "sentBy": "a flow"},
     "case", "Case: Dish is broken"),
    ({"Account": {"Name": "Orbit Ltd"}, "action": "created"}, "account", "Account created: Orbit Ltd"),
    ({"attributes": {"type": "Account", "url": "/services/data/v58.0/x"}, "Id": ACCOUNT, "Name": "Orbit"},
     "account", "Account: Orbit"),
    ({"Id": ACCOUNT, "Name": "Orbit", "url": API}, "account", "Account: Orbit"),
    ({"recordId": ACCOUNT, "objectName": "Account", "recordName": "Orbit", "event": "update"},
     "account", "Account updated: Orbit"),
    ({"payload": {"ChangeEventHeader": HEADER, "Name": "Orbit"}, "event": {"replayId": 6}},
     "account", "Account updated: Orbit"),
    ({"data": {"payload": {"ChangeEventHeader": {**HEADER, "changeType": "GAP_DELETE"}}}, "channel": "/data/ChangeEvents"},
     "account", f"Account deleted: {ACCOUNT}"),
    ({"payload": {"Order_Number__c": "7"}, "event": {"EventApiName": "Order_Event__e", "replayId": 7}}, "platform_event",
     "Order event: 7"),
    ({"event": {"type": "updated"}, "sobject": {"Id": ACCOUNT, "Name": "Orbit"}}, "account", "Account updated: Orbit"),
    ({"object": "Opportunity", "triggerEvent": "AFTER_UPDATE", "new": [{"Id": DEAL, "Name": "Dishes", "StageName": "Won"}],
      "old": [{"Id": DEAL, "StageName": "Open"}]}, "opportunity", "Opportunity updated: Dishes"),
    ({"text": "Quota is reached"}, "record", "Quota is reached"),
]  # fmt: skip


@pytest.mark.parametrize("body, event, title", BODIES, ids=[row[2] for row in BODIES])
def test_json_of_any_wrapping_names_the_record(body: dict[str, Any], event: str, title: str) -> None:
    assert outcome(body).event.name == event
    found = note(body)
    assert found.title == title
    assert found.container is not None
    assert found.container.title.startswith("Salesforce")


def test_an_address_of_the_api_only_tells_where_the_page_is() -> None:
    subject = note({"Id": ACCOUNT, "Name": "Orbit", "url": API}).subject
    assert subject is not None
    assert subject.url == f"https://orbit.lightning.force.com/lightning/r/Account/{ACCOUNT}/view"


@pytest.mark.parametrize(
    "body",
    [
        soap("Account", Id=ACCOUNT, Name="Orbit", LastModifiedById=USER),
        {"payload": {"ChangeEventHeader": HEADER, "Name": "Orbit"}, "instanceUrl": HOME},
    ],
)
def test_who_changed_it_is_a_link_where_only_the_id_is_known(body: bytes | dict[str, Any]) -> None:
    facts = {fact.title: fact.url for fact in note(body).facts}
    assert facts["Changed by"] == f"https://orbit.lightning.force.com/lightning/r/User/{USER}/view"


@pytest.mark.parametrize("key", ["LastModifiedBy", "CreatedBy", "user"])
def test_who_changed_it_is_named_where_the_name_is_known(key: str) -> None:
    actor = note({"Id": ACCOUNT, "Name": "Orbit", key: {"Name": "Mira Vale"}}).actor
    assert actor is not None
    assert actor.name == "Mira Vale"


@pytest.mark.parametrize("body", [{"Id": None, "Name": None}, {"Name": "", "Tags": []}])
def test_a_record_with_nothing_in_it_is_a_mistake_that_is_named(body: dict[str, Any]) -> None:
    found = outcome(body)
    assert found.outcome == "malformed"
    assert "names no record" in found.reason


def test_the_title_and_the_actor_are_not_said_again_in_the_facts() -> None:
    found = note(
        {
            "recordId": ACCOUNT,
            "objectName": "Account",
            "recordName": "Orbit",
            "userName": "Mira Vale",
            "Rating": "Hot",
        }
    )
    assert [fact.value for fact in found.facts] == ["Hot"]


def facts(found: Notification) -> dict[str, str]:
    return {fact.title: str(fact.value) for fact in found.facts if fact.value}


def test_too_many_changes_at_once_name_no_record_and_no_id_of_zeros() -> None:
    header = {
        "entityName": "Case", "recordIds": ["000000000000000AAA"], "changeType": "GAP_OVERFLOW", "sequenceNumber": 1,
        "transactionKey": "0002343d",
    }  # fmt: skip
    found = note({"payload": {"ChangeEventHeader": header}})
    assert found.title == "Many records of Case changed at once"
    assert found.thread_key == ""


def test_whoever_changed_a_record_is_not_taken_for_its_name() -> None:
    found = note(
        {"objectType": "Account", "recordId": ACCOUNT, "eventType": "updated", "userName": "Mira Vale"}
    )
    assert found.title == f"Account updated: {ACCOUNT}"
    assert found.actor is not None
    assert found.actor.name == "Mira Vale"


@pytest.mark.parametrize("key", ["changedFields", "changes"])
@pytest.mark.parametrize("old, new", [("old", "new"), ("oldValue", "newValue")])
def test_pairs_of_old_and_new_values_are_told_as_changes(key: str, old: str, new: str) -> None:
    pairs = {
        "StageName": {old: "Draft", new: "Sent"},
        "Name": {old: "Dish", new: "Big dish"},
        "Amount": {new: 5},
    }
    found = note({"objectType": "Opportunity", "recordId": DEAL, key: pairs})
    assert found.title == "Opportunity: Big dish"
    assert facts(found) == {"Stage": "Draft → Sent", "Name": "Dish → Big dish", "Amount": "none → 5"}


def test_a_list_of_changed_fields_names_is_no_pair() -> None:
    found = note({"objectType": "Account", "recordId": ACCOUNT, "Name": "Orbit", "changedFields": ["Name"]})
    assert facts(found) == {"Changed fields": "Name"}


def test_a_records_page_tells_the_object_and_the_record() -> None:
    page = f"https://orbit.lightning.force.com/lightning/r/Case/{CASE}/view"
    found = note({"caseNumber": "0007", "subject": "Dish drifts", "link": page})
    assert found.title == "Case 0007: Dish drifts"
    assert found.subject is not None
    assert found.subject.url == page
    assert found.thread_key.endswith(CASE[:15])


def test_a_text_field_of_ones_own_is_the_text_of_the_card() -> None:
    found = note({"channel": "/event/Alarm__e", "data": {"payload": {"Message__c": "Dish 7 is down"}}})
    assert found.title == "Alarm: Dish 7 is down"
    assert str(found.text) == "Dish 7 is down"


def test_flags_that_the_stage_says_already_are_left_out() -> None:
    fields = {"StageName": "Closed Won", "IsWon": "true", "IsClosed": "true", "ForecastCategory": "Closed",
              "ForecastCategoryName": "Closed"}  # fmt: skip
    found = note(soap("Opportunity", Id=DEAL, Name="Dish", **fields))
    assert facts(found) == {"Stage": "Closed Won", "Forecast category name": "Closed"}


def test_the_host_for_programs_of_an_old_instance_is_not_linked() -> None:
    found = note(soap("Case", "https://na14-api.salesforce.com", Id=CASE, Subject="Dish drifts"))
    assert found.subject is not None
    assert found.subject.url == f"https://na14.salesforce.com/{CASE}"
