"""Organisations, teams, Apps and access."""

from __future__ import annotations

from apps.sources.sdk import Events

from .table import Family, register

events = Events()
GROUP = "Organisation"
FAMILIES = (
    Family(
        "organization", "Organisation", GROUP,
        ("$.membership.user.login", "$.invitation.login", "$.invitation.email", "$.organization.login"),
        ("$.membership.user.html_url", "$.organization.html_url"),
        facts={"Role": "$.membership.role", "Was": "$.changes.login.from"},
        actions={"member_added": "Member joined", "member_invited": "Member invited", "member_removed": "Member left",
                 "renamed": "Renamed", "deleted": "Deleted"},
        defaults=("member_added", "member_removed"),
        phrases={"member_added": "Member joined the organisation", "member_removed": "Member left the organisation",
                 "member_invited": "Member invited to the organisation"},
    ),
    Family(
        "membership", "Team membership", GROUP, ("$.member.login",), ("$.team.html_url", "$.member.html_url"),
        facts={"Team": "$.team.name"}, actions={"added": "Joined a team", "removed": "Left a team"},
        phrases={"added": "Member joined a team", "removed": "Member left a team"},
    ),
    Family(
        "team", "Team", GROUP, ("$.team.name",), ("$.team.html_url",),
        facts={"Description": "$.team.description", "Permission": "$.team.permission", "Privacy": "$.team.privacy"},
        actions={"created": "Created", "edited": "Edited", "deleted": "Deleted",
                 "added_to_repository": "Added to a repository", "removed_from_repository": "Removed from a repository"},
    ),
    Family("team_add", "Team added to the repository", GROUP, ("$.team.name",), ("$.team.html_url",),
           facts={"Permission": "$.team.permission"}),
    Family(
        "org_block", "User", GROUP, ("$.blocked_user.login",), ("$.blocked_user.html_url",),
        actions={"blocked": "Blocked", "unblocked": "Unblocked"},
    ),
    Family(
        "installation", "App installation", "Apps", ("$.installation.app_slug", "$.installation.account.login"),
        ("$.installation.html_url",),
        facts={"Account": "$.installation.account.login", "Repositories": "$.installation.repository_selection"},
        actions={"created": "Installed", "deleted": "Uninstalled", "suspend": "Suspended", "unsuspend": "Resumed",
                 "new_permissions_accepted": "New permissions accepted"},
        defaults=("created", "deleted", "suspend"),
        phrases={"created": "App installed", "deleted": "App uninstalled", "suspend": "App suspended",
                 "unsuspend": "App resumed", "new_permissions_accepted": "New permissions of an app accepted"},
    ),
    Family(
        "installation_repositories", "App's repositories", "Apps",
        ("$.repositories_added[0].full_name", "$.repositories_removed[0].full_name", "$.installation.app_slug"),
        ("$.installation.html_url",),
        facts={"App": "$.installation.app_slug", "Account": "$.installation.account.login"},
        actions={"added": "Added", "removed": "Removed"},
    ),
    Family(
        "installation_target", "App's account", "Apps", ("$.account.login",), ("$.account.html_url",),
        facts={"Was": "$.changes.login.from"}, actions={"renamed": "Renamed"},
    ),
    Family(
        "github_app_authorization", "App authorisation", "Apps", ("$.sender.login",), ("$.sender.html_url",),
        actions={"revoked": "Revoked"},
    ),
    Family(
        "user", "User account", "Enterprise", ("$.user.login",), ("$.user.html_url",),
        actions={"created": "Created", "deleted": "Deleted"},
    ),
    Family(
        "enterprise", "Enterprise", "Enterprise", ("$.enterprise.name",), ("$.enterprise.html_url", "$.sender.html_url"),
        actions={"anonymous_access_enabled": "Anonymous access enabled",
                 "anonymous_access_disabled": "Anonymous access disabled"},
        defaults=("anonymous_access_enabled",),
        phrases={"anonymous_access_enabled": "Anonymous Git access enabled",
                 "anonymous_access_disabled": "Anonymous Git access disabled"},
    ),
    Family(
        "personal_access_token_request", "Access token request", "Security",
        ("$.personal_access_token_request.owner.login",), ("$.organization.html_url",),
        facts={"Token": "$.personal_access_token_request.token_name",
               "Repositories": "$.personal_access_token_request.repository_selection",
               "Expires": "$.personal_access_token_request.token_expires_at"},
        actions={"created": "Asked for", "approved": "Approved", "denied": "Denied", "cancelled": "Cancelled"},
        defaults=("created",),
    ),
)  # fmt: skip
for _family in FAMILIES:
    register(events, _family)
