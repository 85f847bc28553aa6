"""The steps that belong to no event: mail, forgotten requests, manifests, late milestones, the audit chain."""

import dataclasses
import datetime
import functools
import logging
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from certification_lib.audit.queries import check_chain
from certification_lib.database import database_now, transaction
from certification_lib.events.manifest import check_manifests, dag_id_of, read_manifests, rebuild_manifests
from certification_lib.housekeeping.models import StepOutcome
from certification_lib.housekeeping.service import Went
from certification_lib.orchestration import connections, reports, requests
from certification_lib.orchestration.noting import noted, well
from certification_lib.orchestration.pool import SNAPSHOT_POOL
from certification_lib.orchestration.tasks import step
from certification_lib.settings import load_settings

logger = logging.getLogger(__name__)

# Parts of the datamart, one snapshot's rows of one view, whose digests are computed again each night.
_SAMPLE = 20


@noted(lambda counts: well(0, _counted(counts)))
@step
def deliver_messages() -> dict[str, int]:
    """Send what waits, and what people who left make worth telling: that a certification is ready to be sent.

    Reminders are gathered here into one mail a day for each person.

    An outage of the mail server postpones mails and is no failure of this step.
    """
    from certification_lib.certification.daily_mails import write_daily_mails
    from certification_lib.certification.service import tell_ready_to_send
    from certification_lib.notifications.composing import Letterhead
    from certification_lib.notifications.delivery import deliver_waiting

    with connections.engine() as engine, connections.MailConnection() as mail:
        with transaction(engine) as session:
            now = database_now(session)
            tell_ready_to_send(session=session, now=now)
            write_daily_mails(base_url=load_settings().base_url, session=session, now=now)
        letterhead = Letterhead.of(load_settings(), sender=mail.sender)
        done = deliver_waiting(engine=engine, hand_over=mail.hand_over, now=now, letterhead=letterhead)
    counts = dataclasses.asdict(done)
    logger.info(", ".join(f"{count} {fate}" for fate, count in counts.items()))
    return counts


@noted(lambda counts: well(0, _counted(counts)))
@step
def tell_webhooks() -> dict[str, int]:
    """Send changes of status to the state's other systems. One that cannot be reached is no failure of this step."""
    from certification_lib.webhooks.delivery import deliver_to_webhooks
    from certification_lib.webhooks.posting import post

    send = functools.partial(post, private_hosts=load_settings().private_webhook_hosts)
    with connections.engine() as engine:
        with transaction(engine) as session:
            now = database_now(session)
        done = deliver_to_webhooks(engine=engine, post=send, now=now)
    logger.info("%d delivered, %d failed", done.delivered, done.failed)
    return dataclasses.asdict(done)


@noted(lambda run: well(1, f"Started the run {run}."))
@step
def forgotten_requests() -> str:
    """The name of a run for requests that nobody has begun; skips when there are none.

    It differs from the name the API server gave, since a run of that name may have failed, and changes every minute.
    """
    with connections.engine() as engine, transaction(engine) as session:
        now = database_now(session)
        name = requests.run_name(requests.forgotten(session=session, now=now))
    if name is None:
        raise AirflowSkipException("Every request was begun")
    return f"{name}_again_{now:%Y-%m-%dT%H:%M}"


@noted(lambda run: well(1, f"Started the run {run}."))
@step
def forgotten_reports() -> str:
    """Remove reports past their time. Returns the name of a run for reports and closing packages that nobody has
    begun; skips when there are none."""
    from certification_lib.reports import background

    with connections.engine() as engine:
        with transaction(engine) as session:
            background.remove_expired(session=session, now=database_now(session))
        with transaction(engine) as session:
            name = reports.forgotten_run(session=session, now=database_now(session))
    if name is None:
        raise AirflowSkipException("Every report and package was begun")
    return name


@step
def make_reports() -> list[int]:
    """Make the reports people wait for. Returns the ids of those ready."""
    from certification_lib.reports import background

    with connections.engine() as engine:
        return background.make_waiting(engine)


@step
def make_packages() -> list[str]:
    """Write the closing packages of events that were closed. Returns their keys; fails when one could not be made."""
    from certification_lib.reports.packages import make_due_packages

    with connections.engine() as engine:
        made, failed = make_due_packages(load_settings().package_folder, engine=engine)
    if failed:
        raise AirflowFailException(f"No closing package of {', '.join(failed)}; the reason is kept with the event")
    return made


@noted(lambda problems: well(len(problems), " ".join(f"{problem}." for problem in problems[:20])))
@step
def mend_manifests() -> list[str]:
    """Compare the manifests with the database and write them anew where they differ. Returns what differed."""
    folder = load_settings().manifest_folder
    with connections.engine() as engine, transaction(engine) as session:
        problems = check_manifests(folder, session=session)
        if problems:
            rebuild_manifests(folder, session=session)
    for problem in problems:
        logger.warning("Manifest written anew. %s", problem)
    return problems


@noted(lambda runs: well(len(runs), _started(runs)))
@step
def late_events() -> list[dict[str, str]]:
    """Alarm about milestones that nobody did in time. Returns, for each event, the run that should do them now.

    This file has a stock timetable on purpose: it runs even where the scheduler has lost the one of the events. An
    event's milestones are tried again once an hour.
    """
    from certification_lib.certification import upkeep

    with connections.engine() as engine, transaction(engine) as session:
        now = database_now(session)
        late = upkeep.late_milestones(session=session, now=now)
        upkeep.alarm_about_late_milestones(late, session=session, now=now)
    for milestone in late:
        logger.error("%s of %s is late since %s", milestone.kind.value, milestone.event_key, milestone.at)
    known = {manifest.key for manifest in read_manifests(load_settings().manifest_folder)[0]}
    keys = sorted({milestone.event_key for milestone in late} & known)
    run_id = f"manual__{now:%Y-%m-%dT%H}_late_milestones"
    return [{"trigger_dag_id": dag_id_of(key), "trigger_run_id": run_id} for key in keys]


@noted(lambda _: well(0, ""))
@step
def snapshots_get_on() -> None:
    """Fail, for operators to see, when snapshots wait and none is being taken: most likely their pool is missing."""
    with connections.engine() as engine, transaction(engine) as session:
        since = requests.snapshots_stuck_since(session=session, now=database_now(session))
    if since is not None:
        raise AirflowFailException(
            f"Snapshots wait since {since.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC and none is being taken. "
            f"Is there a pool {SNAPSHOT_POOL} with free slots (Admin, Pools)? A starting scheduler makes a missing one."
        )


@noted(lambda told: well(told, f"{told} people reminded."))
@step
def own_reminders() -> int:
    """Reminders for people whose due date is not Event End. Returns how many were told."""
    from certification_lib.certification import announcements, upkeep

    told = 0
    with connections.engine() as engine:
        with transaction(engine) as session:
            keys = upkeep.events_with_own_due_dates(session=session)
        for key in keys:
            with transaction(engine) as session:
                told += announcements.remind_by_own_due_dates(key, session=session, now=database_now(session))
    return told


@noted(lambda through: Went(StepOutcome.WELL, said=f"{through['entries']} entries, all as written.", details=through))
@step
def check_audit_chain() -> dict[str, Any]:
    """Read the whole audit trail; fail when an entry was changed or removed. Returns how far it holds, which is where
    the check on the page of the trail goes on."""
    with connections.engine() as engine, transaction(engine) as session:
        checked = check_chain(session=session)
    if checked.broken is not None:
        raise AirflowFailException(f"The audit trail does not hold together from entry {checked.broken} on")
    return {"last_id": checked.last_id, "last_digest": checked.last_digest, "entries": checked.entries}


@noted(lambda parts: well(0, f"{parts} parts of the datamart have the digests that were recorded."))
@step
def verify_a_sample() -> int:
    """Compute digests of some stored data again; fail when they are not those recorded. Returns of how many parts.

    Chosen anew each night, so that in time everything has its turn; `certify verify` looks at all of it.
    """
    from certification_lib.snapshots.verification import verify_parts

    with connections.engine() as engine:
        parts, differences = verify_parts(engine, most=_SAMPLE)
    for line in differences:
        logger.error("%s", line)
    if differences:
        raise AirflowFailException(f"Data are not those whose digests were recorded: {' '.join(differences[:10])}")
    return parts


@noted(lambda lines: well(sum(line["revisions"] for line in lines), _removed(lines)))
@step
def remove_what_is_past_its_days() -> list[dict[str, Any]]:
    """Purge superseded revisions and carry out disposals, in every event. Returns rows and bytes by event.

    Downstream views of an older release are made anew. What is being read for too long is left to the next night.
    """
    from certification_lib.certification.retention import run_retention
    from certification_lib.snapshots.upkeep import renew_definitions

    with connections.engine() as engine:
        for view in renew_definitions(engine):
            logger.info("The downstream views of %s are being read and stay as they were", view)
        lines = [line.as_row() for line in run_retention(engine)]
    for line in lines:
        logger.info(
            "%(event)s, %(what)s: %(revisions)d revisions, %(rows)d rows, %(bytes)d bytes, %(waiting)d parts wait", line
        )
    return lines


@step
def serve_snapshots() -> list[int]:
    """Take the snapshots people asked for, oldest first. Returns the ids of those taken."""
    with connections.engine() as engine:
        return requests.take_snapshots(engine=engine, source_url_of=connections.address)


@step
def serve_validations() -> list[int]:
    """Run the validations people asked for, and those of the snapshots they asked for. Returns ids of what ended."""
    rules_url = connections.address(connections.RULES)
    with connections.engine() as engine:
        return requests.run_validations(engine=engine, rules_url=rules_url)


def _counted(counts: dict[str, int]) -> str:
    """Of what a step delivers, how much met which fate; nothing when nothing waited."""
    return ", ".join(f"{count} {fate.replace('_', ' ')}" for fate, count in counts.items() if count)


def _started(runs: list[dict[str, str]]) -> str:
    return f"Started {', '.join(run['trigger_dag_id'] for run in runs[:20])}." if runs else ""


def _removed(lines: list[dict[str, Any]]) -> str:
    return " ".join(f"{line['event']}: {line['what']}, {line['rows']} rows." for line in lines[:20])
