"""Salesforce: the conformance suite, and what is particular to Salesforce."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.cards.notification import Notification
from apps.core.errors import PayloadError
from apps.sources.catalog.salesforce import SOURCE
from apps.sources.catalog.salesforce.objects import kind_of, label_of, origin_of, record_url
from apps.sources.catalog.salesforce.records import verb_of
from apps.sources.http import Headers, Http
from apps.sources.samples import sample
from apps.sources.source import Context, Understood
from apps.sources.testing import NOW, SourceConformance, request_for
from apps.sources.understand import understand_all

SESSION = "00D5e000000KQ2e!AQEAQFakeSessionForSamplesOnly"


class TestSalesforce(SourceConformance):
    source = SOURCE


def request(name: str) -> Http:
    found = sample(SOURCE, name)
    assert found is not None
    return request_for(SOURCE, found)


def read(http: Http, options: dict[str, object] | None = None) -> list[Understood]:
    return list(understand_all(SOURCE, http, Context(options=options or {}, now=NOW, headers=http.headers)))


def posted(body: object) -> Http:
    return Http(headers=Headers({"content-type": "application/json"}), body=json.dumps(body).encode())


def card(http: Http, options: dict[str, object] | None = None) -> Notification:
    result = read(http, options)[0]
    assert isinstance(result.notification, Notification), result.reason
    return result.notification


def codes(http: Http) -> set[str]:
    """How every event of a request ended, or why the whole was refused."""
    try:
        return {item.code for item in read(http)}
    except PayloadError as error:
        return {error.code}


def test_a_case_reads_as_people_say_it() -> None:
    assert card(request("case")).title == "Case 00001027: Printer broken"


def test_a_record_that_nobody_has_touched_since_is_new() -> None:
    assert card(request("case__new")).title == "Case 00001027 created: Printer broken"


def test_white_space_in_front_of_the_xml_does_no_harm() -> None:
    http = request("case")
    assert card(replace(http, body=b"\xef\xbb\xbf\r\n  " + http.body)) == card(http)


def test_flags_that_are_off_are_left_out() -> None:
    titles = {fact.title for fact in card(request("case")).facts}
    assert "Escalated" not in titles


def test_the_receipt_is_the_soap_answer_that_stops_the_repeats() -> None:
    reply = SOURCE.acknowledge(request("case"))
    assert (reply.status, reply.content_type.partition(";")[0]) == (200, "text/xml")
    ack = Xml.fromstring(reply.body).find(".//{http://soap.sforce.com/2005/09/outbound}Ack")
    assert ack is not None
    assert ack.text == "true"


def test_json_is_not_answered_in_soap() -> None:
    assert "Envelope" not in SOURCE.acknowledge(request("case__flow")).body
    assert SOURCE.reject(request("case__flow"), 401, "No.") is None


def test_a_refusal_is_a_soap_fault_with_its_words_escaped() -> None:
    reply = SOURCE.reject(request("case"), 401, "Wrong <secret> & more")
    assert reply is not None
    assert reply.status == 401
    assert Xml.fromstring(reply.body).findtext(".//faultstring") == "Wrong <secret> & more"


@pytest.mark.parametrize(
    "shape",
    [
        "<SessionId>{0}</SessionId>",
        '<ns1:SessionId xmlns:ns1="urn:x">{0}</ns1:SessionId>',
        "<SessionId><![CDATA[{0}]]></SessionId>",
        "<SessionId><!-- </SessionId> -->{0}</SessionId>",
        "<SessionId>\n{0}",
        '{{"sessionId" : "{0}", "a": 1}}',
        '{{"SessionId":"{0}',
    ],
)
def test_a_session_id_is_never_stored(shape: str) -> None:
    kept = SOURCE.redact(Http(body=shape.format(SESSION).encode()))
    assert b"Fake" not in kept.body


def test_a_session_id_is_neither_stored_nor_shown_and_the_rest_stays_readable() -> None:
    http = request("case__with_session")
    assert SESSION.encode() in http.body
    kept = SOURCE.redact(http)
    assert SESSION.encode() not in kept.body
    assert card(kept) == card(http)
    assert "Fake" not in repr(read(http))


def test_a_message_in_utf_16_is_refused_and_nothing_of_it_is_kept() -> None:
    http = replace(request("case"), body=request("case").body.decode().encode("utf-16"))
    with pytest.raises(PayloadError):
        read(http)
    assert SOURCE.redact(http).body == b""


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://169.254.169.254/latest">',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_document_types_and_entities_are_refused(head: str) -> None:
    body = request("case").body.decode().replace("?>", f"?>{head}", 1)
    with pytest.raises(PayloadError, match="entities"):
        read(replace(request("case"), body=body.encode()))


def test_a_deep_or_long_message_costs_no_time() -> None:
    start = time.monotonic()
    for body in (b"<a>" * 200_000, b"<a>" * 50_000 + b"</a>" * 50_000, b"<SessionId>" * 100_000):
        SOURCE.redact(Http(body=body))
        with pytest.raises(PayloadError):
            read(Http(body=body))
    assert time.monotonic() - start < 10


def test_prefixes_and_default_namespaces_do_not_matter() -> None:
    body = request("case").body.decode()
    body = body.replace("soapenv:", "S:").replace("xmlns:soapenv", "xmlns:S")
    body = body.replace("sf:", "q1:").replace("xmlns:sf", "xmlns:q1")
    body = body.replace('notifications xmlns="', 'o:notifications xmlns:o="').replace("</notif", "</o:notif")
    for tag in ("OrganizationId", "ActionId", "EnterpriseUrl", "PartnerUrl", "Notification"):
        body = body.replace(f"<{tag}>", f"<o:{tag}>").replace(f"</{tag}>", f"</o:{tag}>")
    assert card(replace(request("case"), body=body.encode())) == card(request("case"))


def test_a_hundred_notifications_are_a_hundred_events_told_apart_by_their_ids() -> None:
    body = request("case").body.decode()
    start, end = body.index("   <Notification>"), body.index("  </notifications>")
    one = body[start:end]
    many = "".join(one.replace("Q1AAJ", f"{number:03d}AJ") for number in range(100))
    found = read(replace(request("case"), body=(body[:start] + many + body[end:]).encode()))
    assert len(found) == len({item.event.id for item in found}) == 100
    assert {item.outcome for item in found} == {"ok"}


@pytest.mark.parametrize("given_id", ["00D5e000000KQ2e", "00D5e000000KQ2eEAG", " 00D5e000000KQ2eEAG "])
def test_both_forms_of_the_organization_are_one(given_id: str) -> None:
    assert read(request("case"), {"organization_id": given_id})[0].outcome == "ok"


@pytest.mark.parametrize("name", ["case", "case__flow", "platform_event__relay"])
def test_another_organization_is_dropped_with_the_reason(name: str) -> None:
    result = read(request(name), {"organization_id": "00D5e000000KQ2E"})[0]
    assert (result.outcome, result.code) == ("ignored", "option")
    assert "organization" in result.reason


def test_a_message_without_organization_is_dropped_when_one_is_asked_for() -> None:
    body = request("case").body.replace(b"<OrganizationId>00D5e000000KQ2eEAG</OrganizationId>", b"")
    assert (
        read(replace(request("case"), body=body), {"organization_id": "00D5e000000KQ2e"})[0].outcome
        == "ignored"
    )


def test_objects_can_be_chosen() -> None:
    assert read(request("case"), {"objects": ["Opp*"]})[0].outcome == "ignored"
    assert read(request("custom"), {"objects": ["acme__*"]})[0].outcome == "ok"


def test_fields_can_be_hidden_and_secrets_always_are() -> None:
    note = card(
        posted({"type": "Case", "Subject": "x", "Salary__c": "9", "Api_Key__c": "hush"}),
        {"hide_fields": ["salary*"]},
    )
    assert "hush" not in repr(note)
    assert "Salary" not in repr(note)


def test_a_hidden_field_does_not_become_the_title() -> None:
    note = card(
        posted({"type": "Visit__c", "Name": "Jane Roe", "Session_Id": "s"}), {"hide_fields": ["Name"]}
    )
    assert "Jane" not in repr(note)
    assert note.title == "Visit"


@pytest.mark.parametrize(
    ("api", "label"),
    [
        ("StageName", "Stage name"),
        ("Custom_Field__c", "Custom field"),
        ("acme__Service_Visit__c", "Service visit"),
        ("VATNumber__c", "VAT number"),
        ("Engineer__r", "Engineer"),
        ("IsActive", "Active"),
    ],
)
def test_api_names_become_words(api: str, label: str) -> None:
    assert label_of(api) == label


@pytest.mark.parametrize(
    ("url", "api", "expected"),
    [
        ("https://a.my.salesforce.com/services", "Case", "https://a.lightning.force.com/lightning/r/Case/{0}/view"),
        ("https://a--u.sandbox.my.salesforce.com", "Case", "https://a--u.sandbox.lightning.force.com/lightning/r/Case/{0}/view"),
        ("https://na9.salesforce.com/x", "Case", "https://na9.salesforce.com/{0}"),
        ("http://a.my.salesforce.com", "Case", ""),
        ("https://user@evil.example/<x>", "Case", "https://evil.example/{0}"),
        ("javascript:alert(1)", "Case", ""),
    ],
)  # fmt: skip
def test_links_lead_to_the_record(url: str, api: str, expected: str) -> None:
    record = "5005e00000Bq1ZZAAZ"
    assert record_url(origin_of(url), api, record) == expected.format(record)


def test_an_id_tells_the_object_when_nothing_else_does() -> None:
    assert kind_of("", "5005e00000Bq1ZZAAZ").event == "case"
    assert kind_of("", "a0B5e00000RtYuIEAV").event == "custom"
    assert read(posted({"Id": "0065e00000Lm9QqAAJ", "Name": "Crates"}))[0].event.name == "opportunity"


@pytest.mark.parametrize(
    ("text", "verb"),
    [("AFTER_INSERT", "created"), ("GAP_UPDATE", "updated"), ("case.deleted", "deleted"), ("CaseCreated", "created"),
     ("UNDELETE", "restored"), ("Address__c", ""), ("Case", "")],
)  # fmt: skip
def test_verbs_are_found_in_the_words_of_many_senders(text: str, verb: str) -> None:
    assert verb_of(text) == verb


def test_a_change_event_tells_what_changed_and_what_was_emptied() -> None:
    facts = {fact.title: fact.value for fact in card(request("case__change_event")).facts}
    assert facts == {"Status": "Working", "Reason": "emptied"}
    assert read(request("case__change_event"))[0].event.id


def test_a_trigger_with_old_and_new_values_shows_both() -> None:
    facts = {fact.title: str(fact.value) for fact in card(request("opportunity__apex_trigger")).facts}
    assert facts["Amount"] == "22,000 → 25,000"


def test_the_domain_of_the_options_makes_links_for_flows() -> None:
    note = card(request("lead__list"), {"instance_url": "https://orchard.my.salesforce.com/"})
    assert note.subject is not None
    assert note.subject.url.startswith("https://orchard.lightning.force.com/lightning/r/Lead/")


def test_an_empty_list_is_nothing_to_tell() -> None:
    assert read(posted([]))[0].outcome == "ignored"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Id", "type", "record", "new", "old", "data", "payload", "ChangeEventHeader", "attributes",
                         "Name", "fields", "Status", "event", "channel", "sobject", "CreatedDate"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON_VALUES)
def test_any_json_ends_in_one_of_the_outcomes(body: object) -> None:
    assert "source_failed" not in codes(posted(body))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["<Notification>", "</Notification>", "<sObject>", "</sObject>", "<Id>", "</Id>",
                                            "<a:b>", "<Name/>", "&#0;", "&lt;", "<![CDATA[x]]>", "<SessionId>"]),
                          st.text(max_size=6)), max_size=12))  # fmt: skip
def test_any_xml_ends_in_one_of_the_outcomes(parts: list[tuple[str, str]]) -> None:
    body = ("<x>" + "".join(tag + text for tag, text in parts) + "</x>").encode("utf-8", "replace")
    SOURCE.redact(Http(body=body))
    assert "source_failed" not in codes(Http(body=body))
