"""The steps that belong to no event: mail, forgotten requests, manifests, late milestones, the audit chain."""

import datetime
import logging
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from certification_lib.audit.queries import first_broken_entry
from certification_lib.database import database_now, transaction
from certification_lib.events.manifest import check_manifests, dag_id_of, read_manifests, rebuild_manifests
from certification_lib.orchestration import connections, requests
from certification_lib.orchestration.pool import SNAPSHOT_POOL
from certification_lib.orchestration.tasks import step
from certification_lib.settings import load_settings

logger = logging.getLogger(__name__)


@step
def deliver_messages() -> dict[str, int]:
    """Send what waits, and what people who left make worth telling: that a certification is ready to be sent.

    An outage of the mail server postpones mails and is no failure of this step.
    """
    from certification_lib.certification.service import tell_ready_to_send
    from certification_lib.notifications.delivery import SENDER, deliver_waiting

    with connections.engine() as engine, connections.MailConnection() as mail:
        with transaction(engine) as session:
            now = database_now(session)
            tell_ready_to_send(session=session, now=now)
        done = deliver_waiting(engine=engine, send=mail.send, now=now, sender=mail.sender or SENDER)
    logger.info("%d sent, %d refused, %d postponed", done.sent, done.refused, done.postponed)
    return {"sent": done.sent, "refused": done.refused, "postponed": done.postponed}


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


@step
def check_audit_chain() -> None:
    """Fail when an entry of the audit trail was changed or removed."""
    with connections.engine() as engine, transaction(engine) as session:
        broken = first_broken_entry(session=session)
    if broken is not None:
        raise AirflowFailException(f"The audit trail does not hold together from entry {broken} on")


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
