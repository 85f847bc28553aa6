"""How housekeeping stands, and the check of the audit trail that goes on from last night's."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.queries import check_chain
from certification_lib.audit.service import SYSTEM, record
from certification_lib.database import make_engine
from certification_lib.housekeeping.models import StepOutcome
from certification_lib.housekeeping.queries import as_metrics, chain_state, housekeeping_status
from certification_lib.housekeeping.rules import CHECK_AUDIT_CHAIN, STEPS, Standing, standing
from certification_lib.housekeeping.service import Went, note
from tests.conftest import CertificationDatabase

MINUTE = datetime.timedelta(minutes=1)
OFTEN, NIGHTLY = STEPS[0], STEPS[-1]


def ran(session: Session, now: datetime.datetime, outcome: StepOutcome = StepOutcome.WELL, **more: object) -> None:
    went = Went(outcome, **more)  # type: ignore[arg-type]
    note(OFTEN.name, went, began_at=now - MINUTE, run_id="scheduled__1", session=session, now=now)


@pytest.mark.parametrize(
    ("step", "minutes", "expected"),
    [(OFTEN, 29, Standing.WELL), (OFTEN, 31, Standing.SILENT), (NIGHTLY, 25 * 60, Standing.WELL),
     (NIGHTLY, 27 * 60, Standing.SILENT)],
)  # fmt: skip
def test_a_step_that_says_nothing_for_too_long_is_called_silent(step, minutes: int, expected: Standing, now):
    ended = now - minutes * MINUTE
    assert standing(step, outcome=StepOutcome.WELL, ended_at=ended, now=now) is expected


def test_before_its_first_run_a_step_was_not_run_yet(session: Session, now: datetime.datetime):
    assert {one.standing for one in housekeeping_status(session=session, now=now)} == {Standing.NEVER}


def test_a_failure_stands_with_its_words_and_says_when_all_was_well(session: Session, now: datetime.datetime):
    ran(session, now, found=2, said="Two differed.")
    ran(session, now + MINUTE, StepOutcome.FAILED, said="The folder cannot be written")
    [status] = [one for one in housekeeping_status(session=session, now=now + MINUTE) if one.step is OFTEN]
    assert (status.standing, status.said, status.last_well_at) == (Standing.FAILED, "The folder cannot be written", now)
    assert status.needs_somebody
    ran(session, now + 2 * MINUTE)
    [status] = [one for one in housekeeping_status(session=session, now=now + 2 * MINUTE) if one.step is OFTEN]
    assert (status.standing, status.found, status.last_well_at) == (Standing.WELL, 0, now + 2 * MINUTE)


def test_programs_read_every_step_as_text(session: Session, now: datetime.datetime):
    ran(session, now, found=2)
    text = as_metrics(housekeeping_status(session=session, now=now))
    assert f'certification_housekeeping_found{{step="{OFTEN.name}"}} 2\n' in text
    assert f'certification_housekeeping_well{{step="{NIGHTLY.name}"}} 0\n' in text
    assert (
        f'certification_housekeeping_last_run_timestamp_seconds{{step="{OFTEN.name}"}} {int(now.timestamp())}\n' in text
    )


def entries(session: Session, now: datetime.datetime, *subjects: str) -> list[int]:
    return [record("event:publish", subject, session=session, actor=SYSTEM, now=now).id for subject in subjects]


def checked_last_night(session: Session, now: datetime.datetime) -> None:
    checked = check_chain(session=session)
    details = {"last_id": checked.last_id, "last_digest": checked.last_digest, "entries": checked.entries}
    went = Went(StepOutcome.WELL, details=details)
    note(CHECK_AUDIT_CHAIN, went, began_at=now, run_id=None, session=session, now=now)


def test_the_page_reads_only_what_came_after_last_nights_check(session: Session, now: datetime.datetime):
    entries(session, now, "A", "B")
    before = chain_state(session=session)
    assert (before.broken, before.entries, before.checked_before) == (None, 2, 0)
    checked_last_night(session, now)
    entries(session, now, "C")
    read: list[str] = []

    def note_query(_connection, _cursor, statement: str, *_more: object) -> None:
        read.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note_query)
    state = chain_state(session=session)
    sa.event.remove(connection, "before_cursor_execute", note_query)
    assert (state.broken, state.entries, state.checked_before, state.checked_at) == (None, 3, 2, now)
    assert any("audit_entry.id >" in statement for statement in read)


@pytest.mark.parametrize("which", [1, 2], ids=["where last night's check ended", "after it"])
def test_an_entry_changed_since_last_night_still_shows(
    certification_database: CertificationDatabase, now: datetime.datetime, which: int
):
    owner = make_engine(certification_database.url("certification_owner"))
    with Session(owner) as session, session.begin():
        ids = entries(session, now, "A", "B")
        checked_last_night(session, now)
        ids += entries(session, now, "C")
        values = {"digest": "0" * 64} if which == 1 else {"subject": "another"}
        session.execute(sa.update(AuditEntry).where(AuditEntry.id == ids[which]).values(**values))
        assert chain_state(session=session).broken == ids[which]
    owner.dispose()
