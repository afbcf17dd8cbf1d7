"""What Bitbucket Cloud and Bitbucket Data Center share: small helpers, options and screening."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, quote

from apps.sources.sdk import Attribute, Context, Http, Option, Payload, PayloadError, Severity, parse_json

SHOWN = 5  # lines of a list
APART = 5  # a push that moves more branches and tags than this makes one card, not one each
ZERO = "0" * 40

BUILD_STATES: Mapping[str, tuple[str, str, Severity]] = {
    "SUCCESSFUL": ("succeeded", "Successful", Severity.GOOD),
    "FAILED": ("failed", "Failed", Severity.ATTENTION),
    "ERROR": ("failed", "Failed", Severity.ATTENTION),
    "INPROGRESS": ("in progress", "In progress", Severity.INFO),
    "STOPPED": ("stopped", "Stopped", Severity.WARNING),
    "CANCELLED": ("cancelled", "Cancelled", Severity.WARNING),
    "COMPLETE": ("succeeded", "Successful", Severity.GOOD),
    "UNKNOWN": ("has an unknown state", "Unknown", Severity.NEUTRAL),
}

BRANCHES = Option(
    "branches", "pattern", "Branches", help="Only these branches, one pattern a line: main, release/*."
)
REPOSITORIES = Option(
    "repositories", "pattern", "Repositories", help="Only these repositories: acme/website, acme/api-*."
)
PROJECTS = Option("projects", "pattern", "Projects", help="Only these projects, by key or name: WEB, PAY*.")
IGNORE_BOTS = Option(
    "ignore_bots", "bool", "Ignore bots", help="Drop what apps and access tokens do.", default=False
)
IGNORE_DRAFTS = Option("ignore_drafts", "bool", "Ignore draft pull requests", default=False)
BUILDS = Option(
    "builds",
    "choice",
    "Builds",
    default="all",
    choices=(("all", "Every state"), ("finished", "Only finished ones"), ("failed", "Only failures")),
)


def read(http: Http) -> Payload:
    """The JSON object of a request, also from the form field that the oldest versions used.

    Raises PayloadError.
    """
    if http.content_type == "application/x-www-form-urlencoded" or http.body.lstrip()[:8] == b"payload=":
        try:
            form = parse_qs(http.body.decode("utf-8"), max_num_fields=100)
        except (ValueError, UnicodeDecodeError) as error:
            raise PayloadError("not_a_form", "The form could not be read. Send JSON instead.") from error
        if "payload" not in form:
            raise PayloadError(
                "no_payload", "The form has no field “payload”. Send JSON instead.", path="payload"
            )
        found = parse_json(form["payload"][0])
    else:
        found = parse_json(http.body)
    if not isinstance(found, dict):
        raise PayloadError(
            "not_an_object", "Bitbucket sends a JSON object. Let it call the connector's URL directly."
        )
    return Payload(found)


def in_url(text: str, safe: str = "/") -> str:
    """A text as part of an address; unlike `quote` it survives any text that JSON can hold."""
    return quote(text, safe=safe, errors="replace")


def first_line(text: str) -> str:
    """The first line of a commit message."""
    return text.strip().split("\n")[0].strip()


def words(state: str) -> str:
    """A state as people write it: "NEEDS_WORK" -> "Needs work"."""
    return state.replace("_", " ").replace("-", " ").strip().lower().capitalize()


def count(number: int, noun: str) -> str:
    """`1 commit`, `3 commits`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def duration(seconds: float | None) -> str:
    """`2 h 5 min`, `3 min 12 s`, `41 s`; "" when it is not known."""
    if seconds is None or seconds < 0:
        return ""
    whole = int(seconds + 0.5)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def short_ref(ref: str) -> str:
    """`refs/heads/main` -> `main`."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref


def mail_name(raw: str) -> str:
    """`Emma Ray <emma@example.com>` -> `Emma Ray`."""
    return raw.partition("<")[0].strip() or raw.strip("<> ")


def looks_like_bot(*names: str) -> bool:
    """Whether one of the names is that of a program."""
    return any(name.lower().endswith(("[bot]", "-bot", "_bot", " bot")) for name in names)


def build_state(state: str) -> tuple[str, str, Severity]:
    """Words for the title, the pill, and the colour of a build's state."""
    found = BUILD_STATES.get(state.upper().replace("_", "").replace("CANCELED", "CANCELLED"))
    return found or (words(state).lower() or "reported", words(state), Severity.NEUTRAL)


def any_match(patterns: Iterable[str], values: Iterable[str]) -> bool:
    """Whether one of the values fits one of the shell patterns, in any case."""
    kept = tuple(value.lower() for value in values if value)
    return any(fnmatchcase(value, pattern.lower()) for pattern in patterns for value in kept)


def texts(value: Attribute | None) -> tuple[str, ...]:
    """An attribute as texts."""
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) and value else ()


def screened(facts: Mapping[str, Attribute], ctx: Context) -> str | None:
    """Why the options drop an event with these attributes, or None."""
    for option, keys, what in (
        ("repositories", ("repository", "repository_name"), "repository"),
        ("projects", ("project", "project_name"), "project"),
        ("branches", ("branch", "branches"), "branch"),
    ):
        patterns = ctx.entries(option)
        values = [text for key in keys for text in texts(facts.get(key))]
        if patterns and values and not any_match(patterns, values):
            return f"The {what} {values[0]} is not among the chosen ones."
    if ctx.flag("ignore_bots") and facts.get("bot"):
        return "Bots are ignored."
    if ctx.flag("ignore_drafts") and facts.get("draft"):
        return "Draft pull requests are ignored."
    state, builds = str(facts.get("build_state") or ""), ctx.text("builds", "all")
    if state and builds != "all":
        severity = build_state(state)[2]
        if builds == "failed" and severity is not Severity.ATTENTION:
            return "Only failed builds are told about."
        if severity is Severity.INFO:
            return "Builds that still run are left out."
    return None
