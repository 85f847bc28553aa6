"""What changed since a participant was certified: counted by the snapshot that brought the change, shown on lists."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification import changes, queries, taking
from certification_lib.certification.models import Round
from certification_lib.certification.readmodels import ParticipantDetail, ParticipantRow
from certification_lib.database import database_now, transaction
from certification_lib.errors import NotFound
from certification_lib.events.models import Participant
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.snapshots import service
from certification_lib.snapshots.comparison import Counts
from tests.snapshots.conftest import EVENT_KEY, Toy


@pytest.fixture
def certified(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """Districts 001 and 005 are certified on revision 1; snapshots are taken the way tasks take them."""
    in_folder = functools.partial(service.take_snapshot, views_folder=toy.views)
    monkeypatch.setattr(service, "take_snapshot", in_folder)
    with transaction(toy.engine) as session:
        now = database_now(session)
        session.add(
            Organization(kind=OrganizationKind.STATE, number="KY", name="Kentucky", time_zone="America/New_York")
        )
        for participant in session.scalars(sa.select(Participant)):
            session.add(Round(participant_id=participant.id, number=1, started_at=now, started_by="system"))
    take(toy)
    with transaction(toy.engine) as session:
        for participant in session.scalars(sa.select(Participant).where(Participant.organization_number != "011")):
            participant.certified_revision_id = participant.current_revision_id
            session.execute(
                sa.update(Round)
                .where(Round.participant_id == participant.id)
                .values(sent_at=now, certified_revision_id=participant.current_revision_id)
            )
    return toy


def take(toy: Toy) -> None:
    taking.take_snapshot(toy.request(), engine=toy.engine, source_url_of=lambda _: toy.source_url)


def rows(toy: Toy) -> dict[str, ParticipantRow]:
    with Session(toy.engine) as session:
        page = queries.participants_page(EVENT_KEY, session=session, now=database_now(session))
        return {row.number: row for row in page.rows}


def detail(toy: Toy, number: str = "001") -> ParticipantDetail:
    with Session(toy.engine) as session:
        return queries.participant_detail(EVENT_KEY, number, session=session, now=database_now(session))


def change(toy: Toy) -> None:
    toy.write("insert into source.pupil values ('001', '001010', 'N1', 'Grade 1', true, 1, null, null, 2017)")
    toy.write("delete from source.pupil where pupil in ('P0010001', 'P0010002')")
    toy.write("update source.pupil set grade = 'Grade 9' where pupil between 'P0010004' and 'P0010007'")


def test_the_snapshot_that_brings_a_change_counts_it_against_what_was_certified(certified: Toy) -> None:
    change(certified)
    take(certified)

    found = rows(certified)

    assert (found["001"].current_differs, str(found["001"].changes)) == (True, "+1 \N{MINUS SIGN}2 ~4")
    assert [(found[number].current_differs, found[number].changes) for number in ("005", "011")] == [(False, None)] * 2


def test_the_state_opens_a_participant_and_sees_the_change_by_view_and_school(certified: Toy) -> None:
    change(certified)
    take(certified)

    since = detail(certified).changed_since

    assert since
    assert (since.from_revision, since.to_revision, since.round_number, since.counts) == (1, 2, 1, Counts(1, 2, 4))
    assert [(view.view, view.counts) for view in since.views] == [("lesson", Counts()), ("pupil", Counts(1, 2, 4))]
    assert [(school.number, school.columns) for school in since.views[1].schools] == [("001010", {"grade": 4})]


def test_certified_data_that_did_not_change_differ_in_nothing_and_never_certified_ones_from_nothing(
    certified: Toy,
) -> None:
    unchanged, never = detail(certified).changed_since, detail(certified, "011").changed_since

    assert unchanged
    assert (unchanged.counts, unchanged.views, never) == (Counts(), (), None)


def test_while_a_change_is_not_counted_yet_it_is_unknown_and_not_none(certified: Toy) -> None:
    change(certified)
    take(certified)
    with transaction(certified.engine) as session:
        session.execute(sa.text("delete from certification.revision_difference"))

    since = detail(certified).changed_since
    assert since
    assert since.counts is None
    assert (rows(certified)["001"].current_differs, rows(certified)["001"].changes) == (True, None)

    assert changes.count_changes_since_certified(EVENT_KEY, engine=certified.engine) == 1
    assert str(rows(certified)["001"].changes) == "+1 \N{MINUS SIGN}2 ~4"
    assert changes.count_changes_since_certified(EVENT_KEY, engine=certified.engine) == 0


def test_data_that_returned_to_what_was_certified_no_longer_differ(certified: Toy) -> None:
    certified.write("update source.pupil set gifted = not gifted where pupil = 'P0010004'")
    take(certified)
    certified.write("update source.pupil set gifted = not gifted where pupil = 'P0010004'")
    take(certified)

    assert certified.value("select max(number) from certification.revision") == 3
    assert (rows(certified)["001"].current_differs, rows(certified)["001"].changes) == (False, None)


def test_a_comparison_that_fails_does_not_take_the_snapshot_with_it(certified: Toy, caplog: Any) -> None:
    change(certified)
    certified.take()  # brought without a comparison
    with certified.engine.begin() as connection:
        connection.execute(sa.text("update certification.revision_view set view = 'P0010004' where view = 'pupil'"))

    assert changes.count_changes_since_certified(EVENT_KEY, engine=certified.engine) == 0
    [warning] = [record.getMessage() for record in caplog.records if record.name == changes.log.name]
    assert warning.startswith("Changes in fall-count could not be counted:")


def test_the_list_asks_the_database_no_more_for_many_changed_participants(
    certified: Toy, statements: Callable[..., Any]
) -> None:
    counted: list[int] = []
    for number in ("001", "005"):
        certified.write(f"update source.pupil set gifted = not gifted where pupil = 'P{number}0004'")  # noqa: S608
        take(certified)
        with statements(certified.engine) as seen:
            assert sum(row.current_differs for row in rows(certified).values()) == len(counted) + 1
        counted.append(len(seen))

    assert counted[0] == counted[1]


def test_any_two_revisions_of_a_participant_are_named_by_their_numbers(certified: Toy) -> None:
    change(certified)
    take(certified)
    with Session(certified.engine) as session:
        participant_id = session.scalars(sa.select(Participant.id).order_by(Participant.organization_number)).first()
        back = changes.revisions_of(participant_id or 0, (2, 1), session=session)
        [_, pupils] = changes.difference(back, session=session)
        with pytest.raises(NotFound, match="no revision 7"):
            changes.revisions_of(participant_id or 0, (1, 7), session=session)

    assert pupils.counts == Counts(added=2, removed=1, changed=4)
