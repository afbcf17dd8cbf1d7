"""The repository itself: settings, members, hooks, pages, stars."""

from __future__ import annotations

from apps.sources.sdk import Context, Events, Fact, Notification, RawEvent, Severity

from .common import repository_url, tell, words
from .table import Family, register

events = Events()
GROUP = "Repository"

FAMILIES = (
    Family(
        "repository", "Repository", GROUP, ("$.repository.full_name",), ("$.repository.html_url",),
        facts={"Description": "$.repository.description", "Visibility": "$.repository.visibility",
               "Default branch": "$.repository.default_branch", "Was": "$.changes.repository.name.from",
               "From": "$.changes.owner.from.user.login", "From organisation": "$.changes.owner.from.organization.login"},
        actions={"created": "Created", "deleted": "Deleted", "archived": "Archived", "unarchived": "Unarchived",
                 "edited": "Edited", "renamed": "Renamed", "transferred": "Transferred", "publicized": "Made public",
                 "privatized": "Made private", "anonymous_access_enabled": "Anonymous access enabled (Enterprise Server)",
                 "anonymous_access_disabled": "Anonymous access disabled (Enterprise Server)"},
        defaults=("created", "deleted", "archived", "publicized", "transferred", "anonymous_access_enabled"),
        phrases={"publicized": "Repository made public", "privatized": "Repository made private",
                 "anonymous_access_enabled": "Anonymous Git access enabled",
                 "anonymous_access_disabled": "Anonymous Git access disabled"},
    ),
    Family(
        "member", "Collaborator", GROUP, ("$.member.login",), ("$.member.html_url",), "settings/access",
        facts={"Permission": "$.changes.permission.to", "Role": "$.changes.role_name.to"},
        actions={"added": "Added", "removed": "Removed", "edited": "Permission changed"},
    ),
    Family(
        "branch_protection_rule", "Branch protection rule", GROUP, ("$.rule.name",), (), "settings/branches",
        facts={"Pull requests required": "$.rule.required_approving_review_count"},
        actions={"created": "Created", "edited": "Edited", "deleted": "Deleted"}, defaults=("deleted",),
    ),
    Family(
        "branch_protection_configuration", "Branch protection", GROUP, ("$.repository.full_name",), (),
        "settings/branches", actions={"enabled": "Enabled", "disabled": "Disabled"}, defaults=("disabled",),
    ),
    Family(
        "repository_ruleset", "Ruleset", GROUP, ("$.repository_ruleset.name",),
        ("$.repository_ruleset._links.html.href",), "settings/rules",
        facts={"Enforcement": "$.repository_ruleset.enforcement", "Target": "$.repository_ruleset.target"},
        actions={"created": "Created", "edited": "Edited", "deleted": "Deleted"},
    ),
    Family(
        "deploy_key", "Deploy key", GROUP, ("$.key.title",), (), "settings/keys",
        actions={"created": "Added", "deleted": "Deleted"}, defaults=("created",),
    ),
    Family(
        "meta", "Webhook", GROUP, ("$.repository.full_name", "$.organization.login"), (), "settings/hooks",
        actions={"deleted": "Webhook deleted"}, defaults=("deleted",),
        phrases={"deleted": "This webhook was deleted at GitHub"},
    ),
    Family("star", "Star", GROUP, ("$.repository.full_name",), ("$.repository.html_url",),
           facts={"Stars": "$.repository.stargazers_count"},
           actions={"created": "Starred", "deleted": "Star taken back"},
           phrases={"created": "Repository starred", "deleted": "Star taken back"}, calm=True),
    Family("watch", "Watch", GROUP, ("$.repository.full_name",), ("$.repository.html_url",),
           facts={"Stars": "$.repository.stargazers_count"}, actions={"started": "Starred (older name)"},
           phrases={"started": "Repository starred"}, calm=True),
    Family(
        "label", "Label", "Planning", ("$.label.name",), (), "labels",
        facts={"Colour": "$.label.color", "Description": "$.label.description"},
        actions={"created": "Created", "edited": "Edited", "deleted": "Deleted"},
    ),
    Family(
        "custom_property", "Custom property", GROUP, ("$.definition.property_name",),
        actions={"created": "Defined", "updated": "Changed", "deleted": "Deleted", "promote_to_enterprise": "Moved up"},
        phrases={"promote_to_enterprise": "Custom property moved up to the enterprise"},
    ),
    Family(
        "organization_custom_property", "Custom property of organisations", "Enterprise", ("$.definition.property_name",),
        actions={"created": "Defined", "updated": "Changed", "deleted": "Deleted"},
    ),
    Family(
        "organization_custom_property_values", "Custom properties", "Enterprise", ("$.organization.login",),
        facts={"Property": "$.new_property_values[0].property_name", "Value": "$.new_property_values[0].value"},
        actions={"updated": "Values changed"},
    ),
    Family(
        "custom_property_values", "Custom properties", GROUP, ("$.repository.full_name",), ("$.repository.html_url",),
        facts={"Property": "$.new_property_values[0].property_name", "Value": "$.new_property_values[0].value"},
        actions={"updated": "Values changed"},
    ),
    Family(
        "content_reference", "Link to an App's content", GROUP, ("$.content_reference.reference",),
        ("$.content_reference.reference",), actions={"created": "Posted"},
        phrases={"created": "Link to an App's content posted"},
    ),
)  # fmt: skip
for _family in FAMILIES:
    register(events, _family)


events.ignore(
    "cache_sync", reason="A replica of GitHub Enterprise was brought up to date; nobody needs to know."
)


@events.on("ping", group=GROUP, label="The webhook was set up")
def ping(event: RawEvent, ctx: Context) -> Notification:
    """GitHub's first call."""
    payload = event.payload
    chosen = payload.texts("$.hook.events")
    return tell(
        event,
        "GitHub is connected",
        url=repository_url(payload) or payload.opt("$.organization.html_url") or "https://github.com",
        status="Connected",
        severity=Severity.GOOD,
        facts=(
            Fact("Events", "everything" if "*" in chosen else ", ".join(chosen[:12])),
            Fact("Hook", words(payload.opt("$.hook.type"))),
        ),
        button="Open GitHub",
    )


@events.on("fork", group=GROUP, label="Forked", default=False)
def fork(event: RawEvent, ctx: Context) -> Notification:
    """Somebody forked the repository."""
    payload = event.payload
    return tell(
        event,
        "Repository forked",
        what=payload.opt("$.forkee.full_name"),
        url=payload.opt("$.forkee.html_url"),
        severity=Severity.INFO,
        facts=(Fact("Forks", payload.opt("$.repository.forks_count")),),
        button="Open fork",
        when="$.forkee.created_at",
    )


@events.on("public", group=GROUP, label="Made public")
def public(event: RawEvent, ctx: Context) -> Notification:
    """The repository was made public."""
    return tell(
        event,
        "Repository made public",
        what=event.payload.opt("$.repository.full_name"),
        url=repository_url(event.payload),
        status="Public",
        severity=Severity.WARNING,
        button="Open repository",
    )


@events.on("page_build", group=GROUP, label="Pages site built", default=False)
def page_build(event: RawEvent, ctx: Context) -> Notification:
    """A build of GitHub Pages ended."""
    payload, place = event.payload, repository_url(event.payload)
    state, error = payload.opt("$.build.status"), payload.opt("$.build.error.message")
    failed = bool(error) or state == "errored"
    return tell(
        event,
        "Pages build failed" if failed else "Pages site built",
        url=f"{place}/settings/pages" if place else "",
        status=words(state),
        severity=Severity.ATTENTION if failed else Severity.GOOD,
        text=error,
        facts=(
            Fact("Commit", payload.opt("$.build.commit")[:7]),
            Fact("By", payload.opt("$.build.pusher.login")),
        ),
        button="Open Pages settings",
        when="$.build.updated_at",
    )


@events.on("repository_import", group=GROUP, label="Import finished", default=False)
def repository_import(event: RawEvent, ctx: Context) -> Notification:
    """An import ended."""
    state = event.payload.opt("$.status")
    return tell(
        event,
        {"success": "Repository imported", "failure": "Repository import failed"}.get(
            state, f"Repository import {words(state).lower() or 'finished'}"
        ),
        what=event.payload.opt("$.repository.full_name"),
        url=repository_url(event.payload),
        status=words(state),
        severity=Severity.GOOD if state == "success" else Severity.ATTENTION,
        button="Open repository",
    )
