"""The check of stubs against a vendor's OpenAPI document finds what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vendors import contract
from tests.vendors.contract import Contract
from tests.vendors.stub import Answer, Call

ISSUE = "/repos/octo/hello/issues/12"


@pytest.fixture(scope="module")
def github() -> Contract:
    return contract.github("api.github.com")


def call(method: str, path: str, body: Any = None, **query: str) -> Call:
    return Call(method, path, query, {}, body)


def test_what_the_vendor_published_is_no_fault(github: Contract) -> None:
    answer = Answer(200, {"number": 12, "title": "The door squeaks", "state": "closed", "assignee": None})
    assert github.faults(call("PATCH", ISSUE, {"state": "closed"}), answer) == []
    assert github.faults(call("GET", "/api/v3/user"), Answer(200, {"login": "ada"}), "/api/v3") == []


@pytest.mark.parametrize(
    "asked, answered, words",
    [
        (call("PATCH", "/repos/octo/hello/isues/12"), None, "no such operation"),
        (call("PUT", ISSUE), None, "no such operation"),
        (call("GET", "/repos/octo/hello/issues", None, sate="open"), None, "no parameter sate"),
        (call("PATCH", ISSUE, {"state": "shut"}), None, "'shut'"),
        (call("POST", "/repos/octo/hello/issues", {"body": "x"}), None, "'title' is a required property"),
        (call("GET", ISSUE), Answer(200, {"nummer": 12}), "nummer"),
        (call("GET", ISSUE), Answer(200, {"number": "12"}), "is not of type 'integer'"),
        (call("POST", f"{ISSUE}/comments", {"body": "x"}), Answer(200, {}), "never answers 200"),
        (call("DELETE", "/repos/octo/hello/hooks/1"), Answer(204, {"id": 1}), "without a body"),
    ],
)
def test_what_the_vendor_does_not_know_is_a_fault(
    github: Contract, asked: Call, answered: Answer | None, words: str
) -> None:
    assert any(words in fault for fault in github.faults(asked, answered)), github.faults(asked, answered)
