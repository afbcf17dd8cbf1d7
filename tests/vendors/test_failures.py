"""How each vendor's API fails, in the vendor's own shapes: what people are told, what an account is blamed for, and
whether it may have happened all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine

from apps.connectors import accounts
from apps.sources import registry
from apps.sources.accounts import ClientCredentials
from apps.sources.api import Api, ApiError
from apps.sources.hooks import HookPlan
from apps.sources.sdk import Act
from tests.vendors.stub import Answer, StubServer


@dataclass(frozen=True)
class Vendor:
    """A vendor, one thing that is done there, and the call that changes something.

    reads: what is read before that.
    """

    slug: str
    kind: str
    path: str
    values: Mapping[str, str]
    action: str
    params: Mapping[str, str]
    inputs: Mapping[str, str]
    write: tuple[str, str]
    reads: Mapping[str, Any] = field(default_factory=dict)

    def api(self, stub: StubServer) -> Api:
        for pattern, answer in self.reads.items():
            stub.on("GET", pattern, answer)
        stub.on("POST", "/services/oauth2/token", {"access_token": "00D!x", "instance_url": stub.url})
        return stub.api(self.slug, self.kind, self.path, **self.values)

    def act(self, api: Api) -> None:
        if self.action == "subscribe":
            hooks = registry.get(self.slug).hooks
            assert hooks is not None
            hooks.create(api, self.params, HookPlan("https://c.example.com/hooks/x", "s", ("updated",)))
            return
        registry.get(self.slug).actions.run(self.action, Act(api, self.params, self.inputs, who="Grace"))


REPO = {"repo": "octo/hello", "number": "12"}
VENDORS = {
    each.slug: each
    for each in (
        Vendor("github", "token", "", {"token": "ghp_secret"}, "comment", REPO, {"text": "x"},
               ("POST", "/api/v3/repos/octo/hello/issues/12/comments")),
        Vendor("gitlab", "token", "", {"token": "glpat-secret"}, "comment",
               {"project": "octo/hello", "kind": "#", "number": "12"}, {"text": "x"},
               ("POST", "/api/v4/projects/octo%2Fhello/issues/12/notes")),
        Vendor("bitbucket", "access_token", "/2.0", {"token": "ATCT-secret"}, "comment", REPO, {"text": "x"},
               ("POST", "/2.0/repositories/octo/hello/pullrequests/12/comments")),
        Vendor("bitbucket_data_center", "token", "", {"token": "BBDC-secret"}, "comment",
               {"project": "OCTO", "repo": "hello", "number": "12"}, {"text": "x"},
               ("POST", "/rest/api/1.0/projects/OCTO/repos/hello/pull-requests/12/comments")),
        Vendor("jira", "cloud", "", {"email": "robot@octo.example", "token": "ATATT-secret"}, "comment",
               {"issue": "WEB-7"}, {"text": "x"}, ("POST", "/rest/api/2/issue/WEB-7/comment")),
        Vendor("azure_devops", "token", "/octo", {"token": "pat-secret"}, "comment", {"item": "7"}, {"text": "x"},
               ("PATCH", "/octo/_apis/wit/workitems/7")),
        Vendor("trello", "token", "/1", {"key": "k", "token": "ATTA-secret"}, "comment", {"card": "aBcD1234"},
               {"text": "x"}, ("POST", "/1/cards/aBcD1234/actions/comments")),
        Vendor("salesforce", "client_credentials", "", {"client_id": "k", "client_secret": "sf-secret"}, "post",
               {"record": "5005e00000Bq1ZZAAZ"}, {"text": "x"},
               ("POST", "/services/data/v60.0/chatter/feed-elements")),
        Vendor("sharepoint", "app", "/v1.0", {"tenant": "t1", "client_id": "a", "client_secret": "graph-secret"},
               "subscribe", {"site": "https://contoso.sharepoint.com/sites/Sales", "kind": "library"}, {},
               ("POST", "/v1.0/subscriptions"),
               {"/v1.0/sites/contoso.sharepoint.com:/sites/Sales": {"id": "s1"}, "/v1.0/sites/s1/drive": {"id": "d1"}}),
    )
}  # fmt: skip


def github(message: str, **more: object) -> dict[str, object]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", **more}


def cloud(message: str, **more: object) -> dict[str, object]:
    return {"type": "error", "error": {"message": message, **more}}


def data_center(name: str, message: str) -> dict[str, object]:
    return {
        "errors": [
            {"context": None, "message": message, "exceptionName": f"com.atlassian.bitbucket.{name}Exception"}
        ]
    }


def jira(*messages: str, **fields: str) -> dict[str, object]:
    return {"errorMessages": list(messages), "errors": fields}


def azure(message: str, kind: str = "VssServiceException") -> dict[str, object]:
    return {"$id": "1", "innerException": None, "message": message, "typeName": f"Microsoft.{kind}", "typeKey": kind,
            "errorCode": 0, "eventId": 3000}  # fmt: skip


def force(message: str, code: str) -> list[dict[str, object]]:
    return [{"message": message, "errorCode": code}]


def graph(code: str, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "innerError": {"request-id": "r"}}}


NOW = dt.datetime.now(dt.UTC)
SOON = str(int(NOW.timestamp()) + 600)
TEXT = {"Content-Type": "text/plain"}
KNOWN = {"X-AUSERNAME": "robot", "X-AUSERID": "7"}
# vendor, status, body, headers, code, words that are told, seconds to wait
FAILURES: list[tuple[str, int, object, dict[str, str], str, str, float | None]] = [
    ("github", 401, github("Bad credentials"), {}, "api_unauthorized", "Bad credentials", None),
    ("github", 403, github("Resource not accessible by personal access token"),
     {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"}, "api_forbidden",
     "Needed: issues write or pull_requests write.", None),
    ("github", 404, github("Not Found"), {"X-OAuth-Scopes": "gist", "X-Accepted-OAuth-Scopes": "repo"},
     "api_not_found", "Needed: the scope repo.", None),
    ("github", 409, github("Head branch was modified"), {}, "api_conflict", "Head branch", None),
    ("github", 422, github("Validation Failed", errors=[{"resource": "IssueComment", "field": "body",
     "code": "unprocessable", "message": "body is too long"}]), {}, "api_invalid", "body is too long", None),
    ("github", 403, github("API rate limit exceeded for user ID 1."),
     {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON}, "api_rate_limited",
     "Try again in 10 minutes", 600),
    ("github", 403, github("You have exceeded a secondary rate limit."), {"X-RateLimit-Remaining": "4990"},
     "api_rate_limited", "secondary rate limit", None),
    ("github", 429, github("You have exceeded a secondary rate limit."), {"Retry-After": "60"}, "api_rate_limited",
     "Try again in 60 seconds", 60),
    ("github", 502, "<html>Unicorn!</html>", {"Content-Type": "text/html"}, "api_unavailable", "502", None),
    ("gitlab", 401, {"message": "401 Unauthorized"}, {}, "api_unauthorized", "401 Unauthorized", None),
    ("gitlab", 403, {"error": "insufficient_scope", "scope": "api", "error_description":
     "The request requires higher privileges than provided by the access token."}, {}, "api_forbidden",
     "Needed: the scope api.", None),
    ("gitlab", 404, {"message": "404 Project Not Found"}, {}, "api_not_found", "404 Project Not Found", None),
    ("gitlab", 409, {"message": ["Note already exists"]}, {}, "api_conflict", "Note already exists", None),
    ("gitlab", 422, {"message": {"note": ["can't be blank"]}}, {}, "api_invalid", "note can't be blank", None),
    ("gitlab", 429, "Retry later\n", {**TEXT, "RateLimit-Limit": "60", "RateLimit-Remaining": "0",
     "RateLimit-Reset": SOON, "RateLimit-Name": "throttle_authenticated_api"}, "api_rate_limited",
     "Try again in 10 minutes", 600),
    ("gitlab", 500, {"message": "500 Internal Server Error"}, {}, "api_unavailable", "500", None),
    ("bitbucket", 401, cloud("Token is invalid or not supported for this endpoint."), {}, "api_unauthorized",
     "Token is invalid", None),
    ("bitbucket", 403, cloud("Your credentials lack one or more required privilege scopes.", detail={
     "granted": ["pullrequest"], "required": ["pullrequest:write"]}), {}, "api_forbidden",
     "Needed: pullrequest:write.", None),
    ("bitbucket", 404, cloud("Repository octo/hello not found"), {}, "api_not_found", "octo/hello not found", None),
    ("bitbucket", 409, cloud("The pull request changed."), {}, "api_conflict", "changed", None),
    ("bitbucket", 422, cloud("Unprocessable"), {}, "api_invalid", "Unprocessable", None),
    ("bitbucket", 429, cloud("Rate limit for this resource has been exceeded"),
     {"X-RateLimit-Limit": "1000", "X-RateLimit-Resource": "api", "X-RateLimit-NearLimit": "true"},
     "api_rate_limited", "Rate limit for this resource", None),
    ("bitbucket", 503, "Service Unavailable", TEXT, "api_unavailable", "503", None),
    ("bitbucket_data_center", 401, data_center("auth.IncorrectPasswordAuthentication", "Authentication failed."), {},
     "api_unauthorized", "Authentication failed", None),
    ("bitbucket_data_center", 401, data_center("AuthorisationException", "You are not permitted to comment."), KNOWN,
     "api_forbidden", "not permitted", None),
    ("bitbucket_data_center", 403, data_center("user.AccessToken", "The token lacks the permission REPO_WRITE."),
     KNOWN, "api_forbidden", "REPO_WRITE", None),
    ("bitbucket_data_center", 404, data_center("repository.NoSuchRepository", "OCTO/hello does not exist."), KNOWN,
     "api_not_found", "does not exist", None),
    ("bitbucket_data_center", 409, data_center("pull.PullRequestOutOfDate", "You are modifying an old version."),
     KNOWN, "api_conflict", "old version", None),
    ("bitbucket_data_center", 422, data_center("Validation", "Not valid."), KNOWN, "api_invalid", "Not valid", None),
    ("bitbucket_data_center", 429, data_center("RateLimit", "You have been rate limited."),
     {**KNOWN, "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-FillRate": "5",
      "X-RateLimit-Interval-Seconds": "1", "Retry-After": "5"}, "api_rate_limited", "Try again in 5 seconds", 5),
    ("bitbucket_data_center", 500, "", {}, "api_unavailable", "500", None),
    ("jira", 401, "Client must be authenticated to access this resource.", TEXT, "api_unauthorized", "credentials",
     None),
    ("jira", 401, {"code": 401, "message": "Unauthorized; scope does not match"}, {}, "api_forbidden",
     "scope does not match", None),
    ("jira", 403, jira("You do not have the permission to comment on this issue."), {}, "api_forbidden",
     "permission to comment", None),
    ("jira", 404, jira("Issue does not exist or you do not have permission to see it."), {}, "api_not_found",
     "does not exist", None),
    ("jira", 409, jira("The issue was changed meanwhile."), {}, "api_conflict", "meanwhile", None),
    ("jira", 422, jira(comment="Comment is too long."), {}, "api_invalid", "comment: Comment is too long", None),
    ("jira", 429, "", {"Retry-After": "45", "X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "0",
     "RateLimit-Reason": "jira-burst-based"}, "api_rate_limited", "Try again in 45 seconds", 45),
    ("jira", 429, "", {"X-RateLimit-Reset": (NOW + dt.timedelta(minutes=11)).strftime("%Y-%m-%dT%H:%MZ"),
     "RateLimit-Reason": "jira-quota-tenant-based"}, "api_rate_limited", "Try again in 1", 630),
    ("jira", 503, jira("Jira is being upgraded."), {"Retry-After": "120"}, "api_unavailable", "upgraded", 120),
    ("azure_devops", 203, "<html>Azure DevOps Services | Sign In</html>", {"Content-Type": "text/html"},
     "api_unauthorized", "sign-in page", None),
    ("azure_devops", 302, "", {"Location": "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=x"},
     "api_unauthorized", "credentials", None),
    ("azure_devops", 401, "", {}, "api_unauthorized", "credentials", None),
    ("azure_devops", 403, azure("TF400813: The user 'x' is not authorized to access this resource."), {},
     "api_forbidden", "TF400813", None),
    ("azure_devops", 404, azure("TF401232: Work item 7 does not exist."), {}, "api_not_found", "TF401232", None),
    ("azure_devops", 409, azure("VS403323: The work item was updated."), {}, "api_conflict", "VS403323", None),
    ("azure_devops", 422, azure("Not valid"), {}, "api_invalid", "Not valid", None),
    ("azure_devops", 429, azure("TF400733: The request has been canceled."), {"Retry-After": "30",
     "X-RateLimit-Resource": "octo/Work Items", "X-RateLimit-Delay": "0", "X-RateLimit-Limit": "200",
     "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON}, "api_rate_limited", "Try again in 30 seconds", 30),
    ("azure_devops", 500, azure("VS800075"), {}, "api_unavailable", "500", None),
    ("trello", 401, "invalid token", TEXT, "api_unauthorized", "invalid token", None),
    ("trello", 401, "unauthorized card permission requested", TEXT, "api_forbidden", "permission requested", None),
    ("trello", 403, "unauthorized", TEXT, "api_forbidden", "unauthorized", None),
    ("trello", 404, "The requested resource was not found.", TEXT, "api_not_found", "not found", None),
    ("trello", 409, {"message": "conflict"}, {}, "api_conflict", "conflict", None),
    ("trello", 422, "invalid value for text", TEXT, "api_invalid", "invalid value for text", None),
    ("trello", 429, {"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"},
     {"x-rate-limit-api-token-interval-ms": "10000", "x-rate-limit-api-token-max": "100",
      "x-rate-limit-api-token-remaining": "0", "x-rate-limit-api-key-remaining": "200"}, "api_rate_limited",
     "Try again in 10 seconds", 10),
    ("trello", 504, "", {}, "api_unavailable", "504", None),
    ("salesforce", 401, force("Session expired or invalid", "INVALID_SESSION_ID"), {}, "api_unauthorized",
     "Session expired", None),
    ("salesforce", 403, force("insufficient access rights on cross-reference id", "INSUFFICIENT_ACCESS"), {},
     "api_forbidden", "insufficient access", None),
    ("salesforce", 403, force("TotalRequests Limit exceeded.", "REQUEST_LIMIT_EXCEEDED"), {}, "api_rate_limited",
     "Limit exceeded", None),
    ("salesforce", 404, force("The requested resource does not exist", "NOT_FOUND"), {}, "api_not_found",
     "does not exist", None),
    ("salesforce", 409, force("Conflict", "CONFLICT"), {}, "api_conflict", "Conflict", None),
    ("salesforce", 422, force("Not valid", "INVALID"), {}, "api_invalid", "Not valid", None),
    ("salesforce", 429, force("Too many", "LIMIT"), {"Retry-After": "9"}, "api_rate_limited", "in 9 seconds", 9),
    ("salesforce", 503, force("Server busy", "SERVER_UNAVAILABLE"), {}, "api_unavailable", "Server busy", None),
    ("sharepoint", 401, graph("InvalidAuthenticationToken", "Access token has expired."), {}, "api_unauthorized",
     "token has expired", None),
    ("sharepoint", 403, graph("accessDenied", "Caller does not have the required scope."), {}, "api_forbidden",
     "required scope", None),
    ("sharepoint", 404, graph("itemNotFound", "Item not found"), {}, "api_not_found", "Item not found", None),
    ("sharepoint", 409, graph("conflict", "Subscription exists"), {}, "api_conflict", "exists", None),
    ("sharepoint", 422, graph("invalid", "Not valid"), {}, "api_invalid", "Not valid", None),
    ("sharepoint", 429, graph("activityLimitReached", "Throttled"), {"Retry-After": "20"}, "api_rate_limited",
     "Try again in 20 seconds", 20),
    ("sharepoint", 429, graph("activityLimitReached", "Throttled"),
     {"Retry-After": (NOW + dt.timedelta(minutes=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")}, "api_rate_limited",
     "Try again in 20 minutes", 1200),
    ("sharepoint", 503, graph("serviceNotAvailable", "Busy"), {"Retry-After": "300"}, "api_unavailable", "Busy", 300),
]  # fmt: skip


@pytest.fixture
def signed_in(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> StubServer:
    """Microsoft's sign-in service is another server; here it is the stub too."""
    source = type(registry.get("sharepoint"))
    [kind] = registry.get("sharepoint").account_kinds
    assert isinstance(kind, ClientCredentials)
    local = ClientCredentials(
        kind.key, kind.label, kind.fields, "", f"{stub.url}/login/{{tenant}}/token", kind.scope
    )
    monkeypatch.setattr(source, "account_kinds", (local,))
    stub.on("POST", "/login/t1/token", {"access_token": "graph-token", "expires_in": 3599})
    return stub


@pytest.mark.parametrize(
    "slug, status, body, headers, code, words, wait",
    FAILURES,
    ids=[f"{each[0]} {each[1]} {each[4]}" for each in FAILURES],
)
def test_a_refusal_is_told_in_the_vendors_words_and_by_what_it_means(
    signed_in: StubServer, slug: str, status: int, body: object, headers: dict[str, str], code: str, words: str,
    wait: float | None,
) -> None:  # fmt: skip
    vendor = VENDORS[slug]
    api = vendor.api(signed_in)
    signed_in.fail(*vendor.write, status, body, headers=headers, times=3)
    # The headers above name moments from when this module was loaded.
    with time_machine.travel(NOW), pytest.raises(ApiError) as caught:
        vendor.act(api)
    error = caught.value
    assert error.code == code
    assert words in error.public_message
    assert error.retry_after == (pytest.approx(wait, abs=35) if wait else None)
    assert not error.ambiguous
    assert not api.wrote
    for secret in (*vendor.values.values(), signed_in.url, "00D!x", "graph-token"):
        assert len(secret) < 5 or secret not in error.public_message


def test_every_vendor_is_shown_to_fail_in_every_way() -> None:
    for slug in VENDORS:
        seen = {status for name, status, *_ in FAILURES if name == slug}
        assert {401, 403, 404, 409, 422, 429} <= seen, slug
        assert any(status >= 500 for status in seen), slug


@pytest.mark.parametrize("slug", VENDORS)
def test_a_write_that_gets_no_answer_in_time_may_have_happened(
    signed_in: StubServer, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "TIMEOUT", (1.0, 0.3))
    vendor = VENDORS[slug]
    api = vendor.api(signed_in)
    method, pattern = vendor.write
    signed_in.on(method, pattern, lambda call: Answer(200, {}, wait=0.8))
    with pytest.raises(ApiError) as caught:
        vendor.act(api)
    assert caught.value.code == "api_unavailable"
    assert caught.value.ambiguous
    assert len(signed_in.made(method, pattern)) == 1


@pytest.mark.parametrize("slug", VENDORS)
def test_a_question_that_gets_no_answer_in_time_changed_nothing(
    signed_in: StubServer, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "TIMEOUT", (1.0, 0.3))
    api = VENDORS[slug].api(signed_in)
    signed_in.on("GET", ".*/slow", lambda call: Answer(200, {}, wait=0.8))
    with pytest.raises(ApiError) as caught:
        api.get("/slow")
    assert caught.value.temporary
    assert not caught.value.ambiguous
