"""Every act leaves one entry, chained to the one before."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.queries import entries, first_broken_entry
from certification_lib.audit.service import SYSTEM, record
from certification_lib.database import make_engine
from tests.conftest import CertificationDatabase


def test_entries_are_chained_and_an_untouched_chain_holds(session: Session, now: datetime.datetime) -> None:
    for number in range(3):
        record("event:publish", f"Event {number}", session=session, actor=SYSTEM, now=now, details={"n": number})
    assert first_broken_entry(session=session) is None
    newest, middle, oldest = entries(session=session)
    assert (newest.previous_digest, middle.previous_digest) == (middle.digest, oldest.digest)


def test_an_entry_changed_by_the_owner_of_the_database_shows(
    certification_database: CertificationDatabase, now: datetime.datetime
) -> None:
    owner = make_engine(certification_database.url("certification_owner"))
    with Session(owner) as session, session.begin():
        first = record("event:publish", "A", session=session, actor=SYSTEM, now=now)
        record("event:publish", "B", session=session, actor=SYSTEM, now=now)
        first_id = first.id
    with Session(owner) as session, session.begin():
        session.execute(sa.update(AuditEntry).where(AuditEntry.id == first_id).values(subject="another"))
        assert first_broken_entry(session=session) == first_id
    owner.dispose()


@pytest.mark.parametrize("role", ["certification_app", "certification_task"])
def test_no_running_part_of_the_product_can_change_or_remove_an_entry(
    certification_database: CertificationDatabase, role: str, now: datetime.datetime
) -> None:
    engine = make_engine(certification_database.url(role))
    with Session(engine) as session, session.begin():
        record("event:publish", "A", session=session, actor=SYSTEM, now=now)
    for statement in (sa.update(AuditEntry).values(subject="x"), sa.delete(AuditEntry)):
        with Session(engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(statement)
    engine.dispose()
