"""One participant's story of one event in order: who certified what, when, on which data.

Told from the audit trail and the revisions. It names people, counts and digests, and holds no row of any student.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.sentences import details_in_words, sentence
from certification_lib.certification.models import Approval, Round, Submission
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.queries import state_organization
from certification_lib.reports.document import Document, Section
from certification_lib.reports.said import in_words
from certification_lib.reports.tables import Cell, Table
from certification_lib.snapshots.models import Revision

_SYSTEM = "the system"


@dataclass(frozen=True)
class Step:
    """One thing that happened. `revision` and `digest` name the data it was about."""

    at: datetime.datetime
    by: str
    channel: str
    what: str
    reasons: tuple[tuple[str, str], ...]
    revision: int | None
    digest: str | None
    audit_entry: int | None
    entry_digest: str | None
    """Of the audit entry, which chains it to the one before."""


@dataclass(frozen=True)
class Story:
    event_key: str
    event_name: str
    number: str
    name: str
    steps: tuple[Step, ...]
    state_name: str
    time_zone: str
    made_at: datetime.datetime
    made_by: str


def story(key: str, number: str, *, made_by: str, session: Session, now: datetime.datetime) -> Story:
    """The story, oldest first. The caller has checked the right Read on Event Report."""
    row = session.execute(
        sa.select(Event, EventVersion, Participant)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(Participant, Participant.event_id == Event.id)
        .where(Event.key == key, Participant.organization_number == number)
    ).first()
    if row is None:
        raise NotFound(f"There is no event {key} for organization {number}.")
    _, version, participant = row
    state = state_organization(session=session)
    zone = ZoneInfo(state.time_zone or "UTC")
    data = _data_of_acts(participant.id, session)
    steps = [_of_entry(entry, data, participant, zone) for entry in _entries(key, number, session)]
    steps += _of_revisions(participant.id, zone, session)
    return Story(
        event_key=key,
        event_name=version.name,
        number=number,
        name=participant.organization_name,
        steps=tuple(sorted(steps, key=lambda one: (one.at, one.audit_entry or 0))),
        state_name=state.name,
        time_zone=zone.key,
        made_at=now.astimezone(zone),
        made_by=made_by,
    )


def _entries(key: str, number: str, session: Session) -> Sequence[AuditEntry]:
    """What was done to the participant, alone or among others, and to the whole event."""
    among = AuditEntry.details.contains({"participants": [number]})
    of_event = sa.and_(AuditEntry.organization_number.is_(None), ~AuditEntry.details.has_key("participants"))
    query = (
        sa.select(AuditEntry)
        .where(AuditEntry.event_key == key, sa.or_(AuditEntry.organization_number == number, among, of_event))
        .order_by(AuditEntry.id)
    )
    return session.scalars(query).all()


_Acts = dict[tuple[str, datetime.datetime], tuple[int | None, str | None]]


def _data_of_acts(participant_id: int, session: Session) -> _Acts:
    """{(act, moment): (revision, digest)} of submissions and approvals: an act and its entry are of one moment."""
    found: _Acts = {}
    signed = (
        sa.select(Submission.submitted_at, Submission.revision_number, Submission.digest)
        .join(Round, Round.id == Submission.round_id)
        .where(Round.participant_id == participant_id)
    )
    for at, number, digest in session.execute(signed):
        found["participant:submit", at] = (number, digest)
    approved = (
        sa.select(Approval.approved_at, Revision.number, Revision.digest)
        .join(Round, Round.id == Approval.round_id)
        .outerjoin(Revision, Revision.id == Approval.revision_id)
        .where(Round.participant_id == participant_id)
    )
    for at, number, digest in session.execute(approved):
        found["participant:approve", at] = (number, digest)
    return found


def _of_entry(entry: AuditEntry, data: _Acts, participant: Participant, zone: ZoneInfo) -> Step:
    revision, digest = data.get((entry.act, entry.at), (None, None))
    details = {name: value for name, value in entry.details.items() if name not in {"participants", "digest"}}
    return Step(
        at=entry.at.astimezone(zone),
        by=entry.actor_name,
        channel=entry.channel.value,
        what=sentence(entry, participant.organization_name if entry.organization_number else None),
        reasons=tuple(details_in_words(details)),
        revision=revision,
        digest=digest,
        audit_entry=entry.id,
        entry_digest=entry.digest,
    )


def _of_revisions(participant_id: int, zone: ZoneInfo, session: Session) -> Iterator[Step]:
    query = sa.select(Revision).where(Revision.participant_id == participant_id).order_by(Revision.number)
    for one in session.scalars(query):
        rows = f"{one.row_count:,} row" + ("" if one.row_count == 1 else "s")
        taken = f"Revision {one.number} was taken, {one.kind.value} snapshot: {rows}"
        yield _of_revision(one, one.taken_at, taken, zone)
        if one.validated_at is not None:
            yield _of_revision(one, one.validated_at, f"The rules had run on revision {one.number}", zone)
        if one.purged_at is not None:
            yield _of_revision(one, one.purged_at, f"Revision {one.number} was superseded and its rows removed", zone)


def _of_revision(one: Revision, at: datetime.datetime, what: str, zone: ZoneInfo) -> Step:
    return Step(
        at=at.astimezone(zone),
        by=one.taken_by if one.taken_by != "system" else _SYSTEM,
        channel="snapshot",
        what=f"{what}.",
        reasons=(),
        revision=one.number,
        digest=one.digest,
        audit_entry=None,
        entry_digest=None,
    )


def as_document(told: Story) -> Document:
    of = f"{told.name} ({told.number})"
    rows: list[tuple[Cell, ...]] = [
        (one.at, one.by, one.channel, one.what, "; ".join(f"{label}: {value}" for label, value in one.reasons),
         one.revision, one.digest, one.audit_entry, one.entry_digest)
        for one in told.steps
    ]  # fmt: skip
    columns = (
        "When", "Who", "By way of", "What", "With", "Revision", "Digest of the data", "Audit entry",
        "Digest of the entry",
    )  # fmt: skip
    return Document(
        file_name=f"story-{told.event_key}-{_safe(told.number)}",
        title=f"The story of {told.name}",
        author=told.state_name,
        description=f"{told.event_name}, {of}",
        made_at=told.made_at,
        sentences=(
            f"{told.event_name}, {of}: who certified what, when, on which data, oldest first.",
            f"Times are those of {told.time_zone}. Made by {told.made_by} on {in_words(told.made_at)}.",
        ),
        sections=(
            Section(
                "What happened",
                ("From the audit trail, whose entries are chained by their digests, and from the revisions.",),
                tables=(Table("Everything in order", columns, rows),),
            ),
        ),
    )


def _safe(number: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in number)
