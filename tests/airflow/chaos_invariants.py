"""What must hold after any night, asked of the database and of the mails that arrived."""

import email
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.queries import first_broken_entry
from certification_lib.events.models import MilestoneKind
from certification_lib.notifications.delivery import BATCH
from certification_lib.snapshots.verification import verify
from tests.airflow.conftest import DISTRICTS

# Each certifier of each event hears of these exactly once, the approver of that.
CERTIFIERS_HEAR = ("published", "window_opened", "findings_ready", "reminder", "overdue")
APPROVER_HEARS = ("window_ended",)
_ANNOUNCED = ("publication", "open_window", "reminder", "close_window", "overdue_notice")


def broken_promises(engine: sa.Engine, keys: Sequence[str], mail_folder: Path, killed: int) -> list[str]:
    """A sentence for each thing that is not as it must be; none when all is well. `killed`: how often a sender may have
    been killed while the mail server was being given a mail, so that nobody knows whether it went out."""
    problems = list(_milestones(engine, keys))
    problems += _snapshots(engine, keys)
    problems += _messages(engine, keys)
    problems += _mails(engine, keys, mail_folder, killed)
    problems += [line for key in keys for line in verify(engine, key)]
    with Session(engine) as session:
        broken = first_broken_entry(session=session)
    return problems if broken is None else [*problems, f"The audit trail does not hold together from {broken} on."]


def _milestones(engine: sa.Engine, keys: Sequence[str]) -> Iterator[str]:
    rows = _rows(
        engine,
        "select key, kind, milestone.state, reason, done_by_run, done_at from milestone "
        "join event on event.id = event_id where key = any(:keys)",
        keys,
    )
    for row in rows:
        done = row["state"] == "done" and row["done_at"] is not None and row["done_by_run"]
        left_out = row["state"] in {"skipped", "cancelled"} and row["reason"]
        if not (done or left_out):
            yield f"{row['key']}: {row['kind']} is {row['state']}, by {row['done_by_run']}, because {row['reason']}."
    for key in keys:
        missing = {kind.value for kind in MilestoneKind} - {row["kind"] for row in rows if row["key"] == key}
        if missing:
            yield f"{key}: never had {sorted(missing)}."
    # Each announcement is written down once; two milestones of one kind in one run are one entry.
    entries = Counter(
        (row["event_key"], kind)
        for row in _rows(engine, "select event_key, act from audit_entry where event_key = any(:keys)", keys)
        for kind in row["act"].removeprefix("event:").split(" and ")
        if kind in _ANNOUNCED
    )
    for (key, kind), times in entries.items():
        done = sum(row["key"] == key and row["kind"] == kind and row["state"] == "done" for row in rows)
        if times > done:
            yield f"{key}: {kind} was announced {times} times for {done} milestones."


def _snapshots(engine: sa.Engine, keys: Sequence[str]) -> Iterator[str]:
    for row in _rows(
        engine,
        "select key, snapshot.id, kind, snapshot.status, milestone_id, "
        " (select count(*) from snapshot other where other.milestone_id = snapshot.milestone_id "
        "   and other.status = 'completed') as completed, "
        " (select count(*) from snapshot_participant where snapshot_id = snapshot.id "
        "   and left_alone is null and revision_id is null) as without_data "
        "from snapshot join event on event.id = event_id where key = any(:keys)",
        keys,
    ):
        if row["status"] not in {"completed", "failed"}:
            yield f"{row['key']}: snapshot {row['id']} ({row['kind']}) is {row['status']}."
        if row["milestone_id"] is not None and row["completed"] != 1:
            yield f"{row['key']}: a milestone has {row['completed']} completed snapshots ({row['kind']})."
        if row["status"] == "completed" and row["without_data"]:
            yield f"{row['key']}: snapshot {row['id']} lacks the data of {row['without_data']} participants."
    for row in _rows(
        engine,
        "select key, organization_number from participant join event on event.id = event_id "
        "left join revision on revision.id = current_revision_id where key = any(:keys) and validated_at is null",
        keys,
    ):
        yield f"{row['key']}: {row['organization_number']} has no validated data."


def _messages(engine: sa.Engine, keys: Sequence[str]) -> Iterator[str]:
    told = Counter(
        (row["event_key"], row["username"], row["kind"])
        for row in _rows(
            engine,
            "select event_key, username, message.kind from message join person on person.id = person_id "
            "where event_key = any(:keys)",
            keys,
        )
    )
    for key in keys:
        wanted = [(f"c{number}", kind) for number in DISTRICTS for kind in CERTIFIERS_HEAR]
        wanted += [("approver", kind) for kind in APPROVER_HEARS]
        for username, kind in wanted:
            if told[key, username, kind] != 1:
                yield f"{key}: {username} was told {kind} {told[key, username, kind]} times."


def _mails(engine: sa.Engine, keys: Sequence[str], folder: Path, killed: int) -> Iterator[str]:
    arrived = Counter(email.message_from_bytes(file.read_bytes())["Message-ID"] for file in folder.rglob("*.eml"))
    rows = _rows(
        engine,
        # What is gathered goes out in the mail of the day, later than a night of minutes lasts.
        "select mail_message_id, kind, event_key, delivered_at, handed_over_at from message "
        "where event_key = any(:keys) and email is not null and not gathered",
        keys,
    )
    unclear = [row for row in rows if row["delivered_at"] is None and row["handed_over_at"] is not None]
    for row in rows:
        times = arrived[row["mail_message_id"]]
        if times > 1:
            yield f"{row['event_key']}: a mail ({row['kind']}) arrived {times} times."
        if times == 0 and row not in unclear:
            yield f"{row['event_key']}: a mail ({row['kind']}) never arrived, delivered at {row['delivered_at']}."
    # A crash of the database leaves a batch of them, a killed sender one.
    if len(unclear) > killed * BATCH:
        yield f"{len(unclear)} mails are unclear although only {killed} senders can have been killed."


def _rows(engine: sa.Engine, statement: str, keys: Sequence[str]) -> list[Any]:
    with engine.begin() as connection:
        connection.execute(sa.text("set local search_path = certification"))
        return list(connection.execute(sa.text(statement), {"keys": list(keys)}).mappings())
