"""The only writers of action runs: starting one, carrying it out, telling the channel."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.actions import calls, links
from apps.actions.inputs import clean as clean_inputs
from apps.actions.models import ActionRun, OfferedCall
from apps.cards import adaptive
from apps.cards.notification import Actor, Link, Notification, Severity
from apps.channels.models import Channel
from apps.connectors import accounts
from apps.connectors.models import ActionPolicy, Connector
from apps.core import background
from apps.core.errors import ActionError, AppError, Conflict, NotFound
from apps.core.models import Counter
from apps.deliveries import services as deliveries
from apps.deliveries.models import Delivery
from apps.sources.actions import Act, Actions, ActionSpec, Done, Target
from apps.sources.api import ApiError

logger = logging.getLogger(__name__)
TASK = "apps.actions.tasks.work"
BROKEN_OFF = dt.timedelta(minutes=3)  # longer than every time-out of ours together


def connector_of(link: links.Link) -> Connector:
    """The connector behind a link. Raises NotFound, or ActionError when its buttons are switched off."""
    row = Connector.objects.select_related("account").filter(public_id=link.connector).first()
    if row is None:
        raise NotFound("unknown_link", "The connector behind this button was deleted.")
    if row.action_policy == ActionPolicy.OFF:
        raise ActionError("actions_off", "Buttons of this connector are switched off by its admin.")
    return row


def spec_of(connector: Connector, action: str) -> ActionSpec:
    """What the action is. Raises ActionError or NotFound when it is not offered any more."""
    if action.startswith(links.CALL):
        return calls.spec_of(_call(connector, action))
    return connector.source_object().actions.spec(action)


def _call(connector: Connector, action: str) -> OfferedCall:
    row = OfferedCall.objects.filter(connector=connector, public_id=action.removeprefix(links.CALL)).first()
    if row is None:
        raise ActionError("no_action", "This button belongs to a card that is no longer kept.")
    return row


def look(connector: Connector, action: str, params: Mapping[str, str]) -> Target:
    """What the action would act on, asked at the source. Raises ActionError."""
    if action.startswith(links.CALL):
        return calls.target_of(_call(connector, action))
    return connector.source_object().actions.look(action, _act(connector, params))


def _act(
    connector: Connector, params: Mapping[str, str], inputs: Mapping[str, str] | None = None, who: str = ""
) -> Act:
    if connector.account is None:
        raise ActionError(
            "no_account", f"“{connector.name}” has no account to act with. An admin can give it one."
        )
    return Act(
        api=accounts.open_account(connector.account),
        params=params,
        inputs=inputs or {},
        who=who,
        options=connector.options,
        now=timezone.now(),
    )


def told(link: links.Link, connector: Connector) -> tuple[list[int], str]:
    """The channels that are told what came of a button, and the event that it stood on."""
    if link.action.startswith(links.CALL):
        row = _call(connector, link.action)
        return [int(key) for key in row.channels], row.event_public_id
    return list(link.channels), link.event


def used(token: str) -> ActionRun | None:
    """The run that used this link up, or the last that failed."""
    runs = ActionRun.objects.filter(link_hash=links.fingerprint(token)).select_related("connector")
    return runs.exclude(status=ActionRun.Status.FAILED).first() or runs.first()


def start(
    connector: Connector,
    action: str,
    params: Mapping[str, str],
    inputs: Mapping[str, str],
    *,
    who: str,
    token: str = "",
    channels: Iterable[int] = (),
    event: str = "",
    via: str = ActionRun.Via.CARD,
) -> ActionRun:
    """Store a run and let a background task carry it out. `inputs` are checked already.

    Raises Conflict when the link was used: it works once, however often it is sent.
    """
    spec = spec_of(connector, action)
    run = ActionRun(
        connector=connector,
        account=connector.account,
        action=action,
        label=spec.label[:120],
        params=dict(params),
        inputs=json.dumps(dict(inputs)),
        link_hash=links.fingerprint(token) if token else "",
        channels=list(channels),
        event_public_id=event,
        via=via,
        who=who[:200],
    )
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        raise Conflict("link_used", "This button was used already; it works once.") from None
    transaction.on_commit(_nudge)
    return run


def _nudge() -> None:
    # A lost nudge costs time only: the minutely look finds the row, and the person sees that it waits.
    background.start(TASK)


def work() -> int:
    """Carry out what waits. Several may do so at once; each run is taken by one. Returns how many it did."""
    now = timezone.now()
    ActionRun.objects.filter(status=ActionRun.Status.RUNNING, started_at__lt=now - BROKEN_OFF).update(
        status=ActionRun.Status.UNKNOWN,
        finished_at=now,
        error_code="broken_off",
        outcome="It broke off while it was being done. Look at the source whether it happened.",
    )
    done = 0
    for pk in list(
        ActionRun.objects.filter(status=ActionRun.Status.PENDING)
        .order_by("id")
        .values_list("pk", flat=True)[:50]
    ):
        mine = ActionRun.objects.filter(pk=pk, status=ActionRun.Status.PENDING).update(
            status=ActionRun.Status.RUNNING, started_at=timezone.now()
        )
        if mine:
            perform(ActionRun.objects.select_related("connector__account").get(pk=pk))
            done += 1
    return done


def perform(run: ActionRun) -> None:
    """Do what a run asks for and note what came of it; never raises."""
    try:
        done = _do(run)
    except AppError as error:
        ambiguous = isinstance(error, ApiError) and error.ambiguous
        run.status = ActionRun.Status.UNKNOWN if ambiguous else ActionRun.Status.FAILED
        run.error_code, run.outcome = error.code[:60], error.public_message[:300]
        if isinstance(error, ActionError) and run.connector.account is not None:
            accounts.note_refused(run.connector.account, error)
        _finish(run, None)
    except Exception as error:
        logger.error("action %s broke off: %s", run.action, type(error).__name__, exc_info=error)
        run.status, run.error_code = ActionRun.Status.UNKNOWN, "internal"
        run.outcome = "An internal error broke it off. Look at the source whether it happened."
        _finish(run, None)
    else:
        run.status = ActionRun.Status.DONE
        run.outcome = f"{done.title}: {done.subject.title}" if done.subject else done.title
        run.outcome, run.url = run.outcome[:300], (done.subject.url if done.subject else "")[:2000]
        _finish(run, done)


def _do(run: ActionRun) -> Done:
    inputs = json.loads(run.inputs or "{}")
    if run.action.startswith(links.CALL):
        return calls.carry_out(_call(run.connector, run.action), inputs)
    source = run.connector.source_object()
    if run.via == ActionRun.Via.CHAT:
        inputs = _resolved(source.actions, run, inputs)
    act = _act(run.connector, run.params, inputs, run.who)
    try:
        return source.actions.run(run.action, act)
    except ApiError as error:
        if not act.api.wrote:
            raise
        # The button must not work a second time because what it did could not be read.
        raise ApiError(
            error.code,
            f"It was accepted, but how it stands now could not be read. {error.public_message}",
            answer_status=error.answer_status,
            ambiguous=True,
        ) from error


def _resolved(actions: Actions, run: ActionRun, inputs: Mapping[str, str]) -> Mapping[str, str]:
    """What somebody typed in chat, as the product knows it: the id of the transition “Done”. Raises ActionError."""
    fields = actions.spec(run.action).fields
    if not any(field.kind == "choice" and inputs.get(field.key) for field in fields):
        return inputs
    return clean_inputs(fields, inputs, actions.look(run.action, _act(run.connector, run.params)).choices)


@transaction.atomic
def _finish(run: ActionRun, done: Done | None) -> None:
    run.finished_at = timezone.now()
    run.save(update_fields=["status", "error_code", "outcome", "url", "finished_at"])
    Counter.bump("action", str(run.status))
    # Whoever waited may have given the channels over meanwhile, so they are read again.
    channels = ActionRun.objects.values_list("channels", flat=True).get(pk=run.pk)
    if done is not None:
        card = adaptive.render(result_note(run, done))
    elif run.via == ActionRun.Via.CHAT:
        card = adaptive.render(failure_note(run))
    else:
        return
    for channel in Channel.objects.filter(pk__in=channels):
        deliveries.enqueue(channel, card, origin=Delivery.Origin.ACTION)


def result_note(run: ActionRun, done: Done) -> Notification:
    """The short card that tells the channel what was done, and by whom."""
    title = f"{done.title}: {done.subject.title}" if done.subject else done.title
    return Notification(
        title=title,
        severity=done.severity,
        status="Done",
        actor=Actor(run.who),
        subject=done.subject,
        container=done.container or Link(run.connector.name),
        text=done.text,
        facts=done.facts,
    )


def failure_note(run: ActionRun) -> Notification:
    """The card for somebody who asked in chat and was promised an answer."""
    unknown = run.status == ActionRun.Status.UNKNOWN
    return Notification(
        title=f"{run.label}: {'perhaps not done' if unknown else 'not done'}",
        text=run.outcome,
        actor=Actor(run.who),
        severity=Severity.WARNING,
    )


def promise(run: ActionRun, channels: Iterable[int]) -> bool:
    """Let the result go to these channels. False when the run is finished already: answer with its outcome."""
    return bool(
        ActionRun.objects.filter(
            pk=run.pk, status__in=(ActionRun.Status.PENDING, ActionRun.Status.RUNNING)
        ).update(channels=list(channels))
    )


def prune(before: dt.datetime) -> None:
    """Forget runs and offered calls that are older than everything else that is kept."""
    ActionRun.objects.filter(created_at__lt=before).delete()
    OfferedCall.objects.filter(created_at__lt=before).delete()
