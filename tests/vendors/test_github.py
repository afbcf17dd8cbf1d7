"""GitHub's API: tokens and apps, buttons, hooks, and deliveries made in vain."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.connectors.accounts import connect, kind_of
from apps.sources import registry
from apps.sources.api import Api, ApiError
from apps.sources.catalog.github.api import root
from apps.sources.hooks import HookPlan, differences
from apps.sources.sdk import Act, ActionError
from tests.vendors import contract
from tests.vendors.contract import Contract
from tests.vendors.offers import check_offers
from tests.vendors.stub import Answer, Call, StubServer

SOURCE = registry.get("github")
ISSUE = {
    "number": 12,
    "title": "The door squeaks",
    "state": "open",
    "html_url": "https://github.com/octo/hello/issues/12",
}
PULL = {**ISSUE, "draft": False, "merged": False, "mergeable_state": "clean", "head": {"sha": "a" * 40}}
AT = {"repo": "octo/hello", "number": "12"}
RUN = {"repo": "octo/hello", "run": "77"}
P = "/api/v3/repos/octo/hello"


@pytest.fixture(scope="module")
def published() -> list[Contract]:
    """GitHub's own descriptions of its API."""
    return [contract.github(version) for version in ("api.github.com", "ghes-3.17")]


@pytest.fixture(autouse=True)
def within_the_contract(stub: StubServer, published: list[Contract]) -> Iterator[None]:
    """Whatever a test asks of GitHub, and whatever the stub answers, GitHub has published."""
    yield
    faults = [
        fault
        for each in published
        for call, answer in stub.exchanges
        for fault in each.faults(call, answer, "/api/v3")
    ]
    assert not faults, "\n".join(faults)


@pytest.fixture
def github(stub: StubServer) -> Api:
    stub.on("GET", f"{P}/issues/12", ISSUE)
    stub.on("PATCH", f"{P}/issues/12", lambda call: {**ISSUE, **call.body})
    stub.on(
        "POST",
        f"{P}/issues/12/comments",
        {"html_url": "https://github.com/octo/hello/issues/12#c1"},
        status=201,
    )
    stub.on("POST", f"{P}/issues/12/labels", [{"name": "bug"}])
    stub.on("POST", f"{P}/issues/12/assignees", {**ISSUE, "assignees": [{"login": "Ada"}]}, status=201)
    stub.on("GET", f"{P}/labels", [{"name": "bug"}, {"name": "help wanted"}])
    stub.on("GET", f"{P}/assignees", [{"login": "ada"}])
    stub.on("GET", f"{P}/pulls/12", PULL)
    stub.on("GET", P, {"allow_merge_commit": False, "allow_squash_merge": True, "allow_rebase_merge": True})
    stub.on("PUT", f"{P}/pulls/12/merge", {"merged": True})
    stub.on("POST", f"{P}/pulls/12/reviews", {"id": 1})
    run = {
        "name": "CI",
        "run_number": 5,
        "conclusion": "failure",
        "html_url": "https://github.com/octo/hello/actions/runs/77",
    }
    stub.on("GET", f"{P}/actions/runs/77", run)
    stub.on("POST", f"{P}/actions/runs/77/rerun-failed-jobs", {}, status=201)
    stub.on("GET", f"{P}/actions/runs/77/pending_deployments", [
        {"environment": {"id": 9, "name": "production"}, "current_user_can_approve": True},
        {"environment": {"id": 10, "name": "vault"}, "current_user_can_approve": False},
    ])  # fmt: skip
    stub.on("POST", f"{P}/actions/runs/77/pending_deployments", [])
    stub.on(
        "POST",
        f"{P}/issues",
        lambda call: {"number": 13, "title": call.body["title"], "html_url": "https://x/13"},
        status=201,
    )
    return stub.api("github", "token", token="ghp_x")


def unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def act(api: Api, action: str, params: dict[str, str], **inputs: str) -> Any:
    return SOURCE.actions.run(action, Act(api, params, inputs, who="@Grace"))


@pytest.mark.parametrize(
    "given, found",
    [
        ("https://api.github.com", "https://api.github.com"),
        ("https://github.com", "https://api.github.com"),
        ("https://git.example.com", "https://git.example.com/api/v3"),
        ("https://git.example.com/api/v3/", "https://git.example.com/api/v3"),
        ("https://octo.ghe.com", "https://api.octo.ghe.com"),
        ("https://api.octo.ghe.com", "https://api.octo.ghe.com"),
    ],
)
def test_any_address_that_a_person_pastes_leads_to_the_api(given: str, found: str) -> None:
    assert root(given) == found


def test_a_classic_token_names_what_it_lacks(github: Api, stub: StubServer) -> None:
    headers = {
        "X-OAuth-Scopes": "repo, read:org",
        "github-authentication-token-expiration": "2027-01-02 03:04:05 UTC",
    }
    stub.on("GET", "/api/v3/user", lambda call: Answer(200, {"login": "robot"}, headers))
    standing = SOURCE.check_account(github)
    assert standing.who == "robot"
    assert "admin:repo_hook" in standing.lacks[0]
    assert standing.expires_at == dt.datetime(2027, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert stub.calls[-1].headers["x-github-api-version"] == "2022-11-28"


def test_an_app_signs_in_with_its_key_and_keeps_the_installations_token(stub: StubServer) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()

    def token(call: Call) -> Answer:
        head, claims, signature = call.headers["authorization"].removeprefix("Bearer ").split(".")
        key.public_key().verify(
            unpad(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        assert json.loads(unpad(claims))["iss"] == "4711"
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return Answer(201, {"token": "ghs_installation", "expires_at": ends.isoformat()})

    installation = {"id": 8, "app_slug": "teams-robot", "account": {"login": "octo"},
                    "permissions": {"issues": "write", "pull_requests": "read", "metadata": "read"}}  # fmt: skip
    stub.on("GET", "/api/v3/app/installations", [installation])
    stub.on("POST", "/api/v3/app/installations/8/access_tokens", token)
    stub.on("GET", "/api/v3/user", {"message": "Resource not accessible by integration"}, status=403)
    stub.on("GET", "/api/v3/installation/repositories", {"total_count": 3})
    values = {"app_id": "4711", "private_key": pem}
    api = connect(SOURCE, kind_of(SOURCE, "app"), stub.url, values, key=("app", stub.url))
    standing = SOURCE.check_account(api)
    assert standing.who == "the GitHub App teams-robot"
    assert standing.may == ("work in 3 repositories", "Issues: read and write")
    assert "the repository permission Pull requests “Read and write”" in standing.lacks
    assert api.get("/installation/repositories").opt_int("$.total_count") == 3
    assert len(stub.made("POST", ".*access_tokens")) == 1
    assert stub.calls[-1].headers["authorization"] == "Bearer ghs_installation"


def test_a_fine_grained_token_says_what_it_reaches(github: Api, stub: StubServer) -> None:
    ends = {"GitHub-Authentication-Token-Expiration": "2027-01-31 12:00:00 UTC"}
    stub.on("GET", "/api/v3/user", Answer(200, {"login": "robot"}, ends))
    stub.on("GET", "/api/v3/user/repos", [{"full_name": "octo/hello"}])
    standing = SOURCE.check_account(github)
    assert standing.may[0] == "reach octo/hello"
    assert standing.expires_at == dt.datetime(2027, 1, 31, 12, tzinfo=dt.UTC)
    stub.on("GET", "/api/v3/user/repos", [])
    assert "any repository" in SOURCE.check_account(github).lacks[0]


def test_somebody_whom_github_does_not_assign_is_no_success(github: Api, stub: StubServer) -> None:
    stub.on("POST", f"{P}/issues/12/assignees", {**ISSUE, "assignees": []}, status=201)
    with pytest.raises(ActionError, match="assigned nobody"):
        act(github, "assign", AT, person="ada")


def test_labels_of_later_pages_are_offered_too(github: Api, stub: StubServer) -> None:
    def page(call: Call) -> Answer:
        number = int(call.query.get("page", "1"))
        link = (
            {"Link": f'<{stub.url}{call.path}?per_page=100&page={number + 1}>; rel="next"'}
            if number < 3
            else {}
        )
        return Answer(200, [{"name": f"label-{number}"}], link)

    stub.on("GET", f"{P}/labels", page)
    seen = SOURCE.actions.look("label", Act(github, AT))
    assert [key for key, _ in seen.choices["label"]] == ["label-1", "label-2", "label-3"]


def test_a_key_that_cannot_be_read_is_told(stub: StubServer) -> None:
    api = connect(SOURCE, kind_of(SOURCE, "app"), stub.url, {"app_id": "1", "private_key": "nonsense"})
    with pytest.raises(ApiError, match=r"\.pem"):
        api.get("/user")


def test_a_comment_names_the_person_and_mentions_nobody(github: Api, stub: StubServer) -> None:
    done = act(github, "comment", AT, text="Oil it")
    assert stub.made("POST", ".*comments")[0].body == {"body": "Oil it\n\n— Grace, from Microsoft Teams"}
    assert done.subject.url.endswith("#c1")


def test_closing_twice_is_friendly(github: Api, stub: StubServer) -> None:
    assert act(github, "close", AT).title == "Closed"
    assert act(github, "reopen", AT).title == "Reopened already"
    assert len(stub.made("PATCH", ".*")) == 1


def test_labels_and_people_are_offered(github: Api) -> None:
    assert SOURCE.actions.look("label", Act(github, AT)).choices["label"] == (
        ("bug", "bug"),
        ("help wanted", "help wanted"),
    )
    assert SOURCE.actions.look("assign", Act(github, AT)).choices["person"] == (("ada", "ada"),)
    assert act(github, "label", AT, label="bug").title == "Labelled “bug”"
    assert act(github, "assign", AT, person="ada").title == "Assigned to ada"


def test_a_merge_is_of_the_commit_that_was_shown(github: Api, stub: StubServer) -> None:
    seen = SOURCE.actions.look("merge", Act(github, AT))
    assert seen.choices["method"] == (("squash", "Squash"), ("rebase", "Rebase"))
    assert seen.defaults == {"method": "squash", "sha": "a" * 40}
    act(github, "merge", AT, **seen.defaults)
    assert stub.made("PUT", ".*merge")[0].body == {"merge_method": "squash", "sha": "a" * 40}
    stub.fail("PUT", ".*merge", 409, {"message": "Head branch was modified."})
    with pytest.raises(ActionError, match="nothing was merged"):
        act(github, "merge", AT)
    stub.fail("PUT", ".*merge", 405, {"message": "At least 1 approving review is required."})
    with pytest.raises(ActionError, match="1 approving review"):
        act(github, "merge", AT)


def test_a_merged_one_is_not_merged_again(github: Api, stub: StubServer) -> None:
    stub.on("GET", f"{P}/pulls/12", {**PULL, "merged": True, "state": "closed"})
    assert act(github, "merge", AT).title == "Merged already"
    assert not stub.made("PUT", ".*")


def test_runs_and_deployments(github: Api, stub: StubServer) -> None:
    assert act(github, "rerun", RUN).title == "Failed jobs are run again"
    assert act(github, "approve_deployment", RUN).title == "Deployment approved: production"
    assert stub.made("POST", ".*pending_deployments")[0].body["environment_ids"] == [9]
    stub.on("GET", f"{P}/actions/runs/77/pending_deployments", [])
    with pytest.raises(ActionError, match="No deployment waits"):
        act(github, "reject_deployment", RUN)


def test_an_issue_is_created_and_a_pull_request_approved(github: Api, stub: StubServer) -> None:
    assert act(github, "create", {"repo": "octo/hello"}, title="New").subject.title == "#13 New"
    act(github, "approve", AT)
    assert stub.made("POST", ".*reviews")[0].body["event"] == "APPROVE"


@pytest.mark.parametrize("repo", ["octo", "octo/..", "../x", "a/b/c"])
def test_a_repository_leads_nowhere_else(github: Api, stub: StubServer, repo: str) -> None:
    with pytest.raises(ActionError):
        act(github, "close", {"repo": repo, "number": "1"})
    assert not stub.calls


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422, 429, 500])
def test_refusals_carry_githubs_words(github: Api, stub: StubServer, status: int) -> None:
    stub.fail(
        "POST",
        ".*comments",
        status,
        {"message": "Validation Failed", "errors": [{"message": "body is too long"}]},
    )
    with pytest.raises(ActionError, match="Validation Failed body is too long"):
        act(github, "comment", AT, text="x")


@pytest.mark.parametrize(
    "action, text, params",
    [
        ("close", "octo/hello#12", AT),
        ("close", "https://github.com/octo/hello/issues/12", AT),
        ("merge", "https://git.example.com/octo/hello/pull/12", AT),
        ("rerun", "https://github.com/octo/hello/actions/runs/77", RUN),
        ("close", "hello#12", None),
    ],
)
def test_targets_of_commands(action: str, text: str, params: dict[str, str] | None) -> None:
    assert SOURCE.actions.spec(action).match(text) == params


def test_offers_never_fail_and_fit_the_state() -> None:
    found = check_offers(SOURCE)
    assert [ref.action for ref in found["issues.opened"]] == ["comment", "assign", "label", "close"]
    assert [ref.action for ref in found["issues.closed"]] == ["comment", "reopen"]
    assert [ref.action for ref in found["pull_request.opened"]][:2] == ["comment", "approve"]
    assert "merge" not in [ref.action for ref in found["pull_request.closed"]]
    assert "issues.deleted" not in found


class Remote:
    """The webhooks of a repository as GitHub keeps them."""

    def __init__(self, stub: StubServer) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        stub.on("GET", f"{P}/hooks", lambda call: list(self.there.values()))
        stub.on("POST", f"{P}/hooks", self.create)
        for method in ("GET", "PATCH", "DELETE"):
            stub.on(method, rf"{P}/hooks/(?P<id>\d+)", self.one)

    def create(self, call: Call) -> Answer:
        if set(call.body["events"]) & {"organization", "team"}:
            return Answer(
                422, {"message": "Validation Failed", "errors": [{"message": "not an event of repositories"}]}
            )
        number = len(self.there) + 1
        self.there[str(number)] = {
            "id": number,
            "active": True,
            "last_response": {"code": None, "status": "unused"},
        }
        return Answer(201, self.store(str(number), call.body))

    def store(self, number: str, body: dict[str, Any]) -> dict[str, Any]:
        config = {**body["config"], "secret": "********"} if "secret" in body["config"] else body["config"]
        self.there[number] |= {"events": body["events"], "config": config, "active": body["active"]}
        return self.there[number]

    def one(self, call: Call) -> Answer:
        number = call.groups["id"]
        if number not in self.there:
            return Answer(404, {"message": "Not Found"})
        if call.method == "DELETE":
            del self.there[number]
            return Answer(204)
        return Answer(200, self.store(number, call.body) if call.method == "PATCH" else self.there[number])


def test_a_hook_is_made_with_exactly_what_was_chosen_and_mended(github: Api, stub: StubServer) -> None:
    hooks, remote, place = SOURCE.hooks, Remote(stub), {"place": "octo/hello"}
    assert hooks is not None
    events = hooks.events(
        ["issues.opened", "pull_request.closed", "organization.renamed", "installation.created"]
    )
    assert events == ("issues", "organization", "pull_request")
    plan = hooks.fit(place, HookPlan("https://c.example.com/hooks/x", "hush", events))
    assert plan.events == ("issues", "pull_request")
    made = hooks.create(github, place, plan)
    assert differences(plan, made) == ()
    assert stub.made("POST", f"{P}/hooks")[0].body["config"]["content_type"] == "json"
    found = hooks.find(github, place, plan.url)
    assert found is not None
    assert found.id == made.id
    remote.there["1"] |= {
        "active": False,
        "events": ["push"],
        "last_response": {"code": 502, "status": "x", "message": "m"},
    }
    drifted = hooks.read(github, place, "1")
    assert drifted is not None
    assert "502" in drifted.trouble
    assert {each.what for each in differences(plan, drifted)} == {"Events", "Active"}
    assert differences(plan, hooks.update(github, place, "1", plan)) == ()
    hooks.delete(github, place, "1")
    assert hooks.read(github, place, "1") is None


def test_deliveries_in_vain_are_fetched_unless_a_later_try_arrived(github: Api, stub: StubServer) -> None:
    now = dt.datetime.now(dt.UTC)

    def at(minutes: int) -> str:
        return (now - dt.timedelta(minutes=minutes)).isoformat()

    first = [
        {"id": 5, "guid": "g-2", "delivered_at": at(1), "status_code": 200, "event": "issues"},
        {"id": 4, "guid": "g-3", "delivered_at": at(2), "status_code": 502, "event": "issues"},
    ]
    second = [
        {"id": 2, "guid": "g-2", "delivered_at": at(3), "status_code": 503, "event": "issues"},
        {"id": 1, "guid": "g-1", "delivered_at": at(4), "status_code": 0, "event": "push"},
        {"id": 0, "guid": "g-0", "delivered_at": at(9_000), "status_code": 0, "event": "push"},
    ]
    link = {"Link": f'<{stub.url}{P}/hooks/1/deliveries?cursor=v1>; rel="next"'}

    def listed(call: Call) -> Answer:
        return Answer(200, second) if "cursor" in call.query else Answer(200, first, link)

    def detail(call: Call) -> dict[str, Any]:
        request = {"headers": {"User-Agent": "GitHub-Hookshot/x"}, "payload": {"n": call.groups["id"]}}
        return {"id": int(call.groups["id"]), "request": request}

    stub.on("GET", f"{P}/hooks/1/deliveries", listed)
    stub.on("GET", rf"{P}/hooks/1/deliveries/(?P<id>\d+)", detail)
    hooks = SOURCE.hooks
    assert hooks is not None
    found = list(hooks.missed(github, {"place": "octo/hello"}, "1", now - dt.timedelta(days=1), now))
    assert [each.id for each in found] == ["g-1", "g-3"]
    assert found[0].headers["x-github-event"] == "push"
    assert json.loads(found[1].body) == {"n": "4"}


def test_an_apps_own_webhook_is_set_with_the_apps_own_proof(stub: StubServer) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    config = {"url": "https://old.example.com", "content_type": "json"}

    def change(call: Call) -> dict[str, Any]:
        config.update(call.body)
        return {**config, "secret": "********"}

    stub.on("POST", "/api/v3/app/installations/8/access_tokens", {"token": "ghs_x"}, status=201)
    stub.on("GET", "/api/v3/app/hook/config", lambda call: dict(config))
    stub.on("PATCH", "/api/v3/app/hook/config", change)
    stub.on("GET", "/api/v3/app/hook/deliveries", [])
    values = {"app_id": "4711", "private_key": pem, "installation": "8"}
    api = connect(SOURCE, kind_of(SOURCE, "app"), stub.url, values, key=("app-hook", stub.url))
    hooks, place = SOURCE.hooks, {"place": "app"}
    assert hooks is not None
    plan = hooks.fit(place, HookPlan("https://c.example.com/hooks/x", "hush", ("issues",)))
    assert hooks.find(api, place, plan.url) is None
    made = hooks.create(api, place, plan)
    assert differences(plan, made) == ()
    assert stub.calls[-1].headers["authorization"].count(".") == 2  # the app's own, not the installation's
    now = dt.datetime.now(dt.UTC)
    assert list(hooks.missed(api, place, made.id, now - dt.timedelta(days=1), now)) == []
