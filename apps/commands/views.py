"""`/teams/<id>`: a Teams outgoing webhook asks, and is answered within seconds."""

from __future__ import annotations

import html
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from apps.cards import adaptive
from apps.cards.envelope import CONTENT_TYPE
from apps.cards.notification import Link, Notification, Severity
from apps.commands import acting, builtin, parser, registry, services
from apps.commands.models import ChatUser, CommandEndpoint, CommandUse
from apps.core import audit, problems, rates
from apps.core.errors import AppError, CommandError, PayloadError, VerificationError
from apps.core.models import Counter
from apps.sources.http import Headers, Http
from apps.sources.payload import parse_json
from apps.sources.verify import TeamsHmac

logger = logging.getLogger(__name__)
SCHEME = TeamsHmac(key="teams", label="Teams")
MAX_BODY = 256 * 1024
LOCKED = 1_200  # milliseconds; twice that and what follows stays below the four seconds
PRUNE_EVERY = 500  # messages
FLOOD = 120  # messages of one endpoint in a minute
__all__ = ["answer", "builtin"]


@csrf_exempt
def answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """Verify the raw bytes, carry the command out once, answer with a card; in words also when the database is away."""
    try:
        with _impatient():
            return _answer(request, public_id)
    except DatabaseError as error:
        logger.warning("a command could not be answered: %s", type(error).__name__)
        return _card(
            Notification(
                "That cannot be answered at the moment",
                text="The database does not answer. Try again in a minute.",
                severity=Severity.WARNING,
            )
        )


@contextmanager
def _impatient() -> Iterator[None]:
    """Wait for SQLite's one writer no longer than Teams waits for us; webhooks may wait longer."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = int(float(connection.settings_dict["OPTIONS"].get("timeout", 5)) * 1000)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {LOCKED}")
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _answer(request: HttpRequest, public_id: str) -> HttpResponse:
    endpoint = CommandEndpoint.objects.select_related("team", "channel").filter(public_id=public_id).first()
    if endpoint is None:
        return problems.response(
            404, "unknown_endpoint", "There is no such address. Copy it again from the admin."
        )
    if request.method != "POST":
        response = problems.response(405, "method_not_allowed", "Teams calls by POST.")
        response["Allow"] = "POST"
        return response
    now = timezone.now()
    try:
        body = request.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            return problems.response(413, "too_large", "The message is too long.")
        http = Http(headers=Headers(request.headers), body=body)
        SCHEME.verify(http, [endpoint.token] if endpoint.token else [], now)
        message = parser.read(parse_json(body), now)
    except VerificationError as error:
        Counter.bump("command.unverified", endpoint.public_id)
        return problems.response(401, error.code, error.public_message)
    except (PayloadError, OSError, ValueError) as error:
        words = error.public_message if isinstance(error, PayloadError) else "The message broke off."
        return problems.response(400, getattr(error, "code", "body_unreadable"), words)
    wait = rates.over(f"command:{endpoint.public_id}", FLOOD)
    if wait is not None:
        return _card(Notification("Too many commands", text="Wait a minute.", severity=Severity.WARNING))
    return _once(endpoint, message)


def trial(endpoint: CommandEndpoint) -> HttpResponse:
    """The answer to a message that is signed as Teams would sign it, asks for help, and leaves no trace.

    Raises VerificationError when the stored token cannot sign.
    """
    now = timezone.now()
    activity = {
        "type": "message",
        "id": str(int(now.timestamp() * 1000)),
        "timestamp": now.isoformat(),
        "text": f"<at>{html.escape(endpoint.name)}</at> help",
        "from": {"id": "29:test", "name": "Test"},
        "conversation": {"id": "19:test@thread.tacv2"},
    }
    http = SCHEME.sign(Http(body=json.dumps(activity).encode()), endpoint.token, now)
    SCHEME.verify(http, [endpoint.token], now)
    message = parser.read(parse_json(http.body), now)
    use = CommandUse(endpoint=endpoint, command=message.words[0].text)
    return _card(_answered(endpoint, message, use, time.monotonic()))


def _answered(
    endpoint: CommandEndpoint, message: parser.Message, use: CommandUse, since: float
) -> Notification:
    """The answer, or the promise of one, within the time that Teams waits. since: when it came in."""
    user = _user(message)
    found = _carry_out(endpoint, user, message, use)
    if isinstance(found, registry.Pending):
        found = acting.wait(found, endpoint, message.conversation, since)
    return found if user or not message.sender_id else _introduced(found, message, use)


def _user(message: parser.Message) -> ChatUser | None:
    """Whoever an admin linked, by either of the ids that Teams gives a person."""
    known = [each for each in (message.entra_id, message.sender_id) if each]
    return ChatUser.objects.filter(teams_id__in=known).first() if known else None


def _introduced(note: Notification, message: parser.Message, use: CommandUse) -> Notification:
    """The answer to somebody unknown: how they are linked, when they ask for the first time or may not do it."""
    refused = use.outcome == "not_allowed"
    before = CommandUse.objects.filter(sender_id=message.sender_id).exclude(pk=use.pk)
    if not refused and before.exists():
        return note
    number = message.entra_id or message.sender_id
    query = urlencode({"teams_id": number, "name": message.sender_name})
    page = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('admin:commands_chatuser_add')}?{query}"
    words = f"You are not linked yet, so you may only ask. Your Teams id is {number}; an admin links it under “Chat users”."
    return replace(
        note,
        footer=" ".join(each for each in (note.footer, "" if refused else words) if each),
        links=(*note.links, Link("Link this person (admins)", page)),
    )


def _once(endpoint: CommandEndpoint, message: parser.Message) -> HttpResponse:
    """Carry a message out, or give the answer that was given to it before."""
    since = time.monotonic()
    use = CommandUse(
        endpoint=endpoint, activity_id=message.id, sender_id=message.sender_id, sender_name=message.sender_name,
        text=message.text[:500], command=(message.words[0].text.lower() if message.words else "help")[:40],
    )  # fmt: skip
    try:
        with transaction.atomic():
            use.save()
    except IntegrityError:
        before = CommandUse.objects.get(endpoint=endpoint, activity_id=message.id)
        return _json(before.answer) if before.answer else _card(Notification("This is being worked on"))
    if use.pk % PRUNE_EVERY == 0:
        services.prune(use.at)
    response = _card(_answered(endpoint, message, use, since))
    use.answer = response.content.decode()
    with suppress(DatabaseError):  # it is done, and that is said in any case
        use.save(update_fields=["answer", "outcome"])
        CommandEndpoint.objects.filter(pk=endpoint.pk).update(last_used_at=use.at)
    return response


def _carry_out(
    endpoint: CommandEndpoint, user: ChatUser | None, message: parser.Message, use: CommandUse
) -> Notification | registry.Pending:
    if endpoint.paused:
        use.outcome = "paused"
        return Notification("Commands are switched off for now", severity=Severity.WARNING)
    asked = registry.Asked(endpoint, user, message)
    try:
        source = None if use.command in registry.commands else acting.source_of(use.command)
        if source is not None:
            # Asks the source's API, so it must not hold a transaction.
            return acting.ask(asked, message.words[0].text, source)
        who = audit.Actor("teams", asked.sender_id, message.sender_name or message.sender_id)
        with audit.acting(who), transaction.atomic():
            return registry.run(use.command, asked, acting.names())
    except CommandError as error:
        use.outcome = error.code[:40]
        return Notification(error.public_message, severity=Severity.WARNING)
    except AppError as error:
        use.outcome = error.code[:40]
        return Notification("That did not work", text=error.public_message, severity=Severity.WARNING)
    except DatabaseError:
        raise
    except Exception as error:
        logger.error("command %s failed: %s", use.command, type(error).__name__, exc_info=error)
        use.outcome = "internal"
        return Notification(
            "That did not work", text="The operator's log says why.", severity=Severity.ATTENTION
        )


def _card(note: Notification) -> HttpResponse:
    card = adaptive.render(note)
    message = {
        "type": "message",
        "summary": card.summary,
        "attachments": [{"contentType": CONTENT_TYPE, "content": card.content}],
    }
    return _json(json.dumps(message))


def _json(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="application/json; charset=utf-8")
