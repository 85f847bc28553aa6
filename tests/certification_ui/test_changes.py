"""What changed between two revisions: numbers for those who follow the event, rows for those who may see rows."""

import datetime
import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.certification import service
from certification_lib.certification.changes import count_changes_since_certified
from certification_lib.certification.models import Submission
from certification_lib.database import database_now, transaction
from certification_lib.events.models import Event, Participant
from certification_lib.people.models import Person, Tool, ToolRight
from certification_lib.snapshots import partitions, view_tables
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import connect
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, Cast, fill, today
from tests.certification_ui.test_rest import API, certify

SUBMIT = f"{ROOT}/my-events/{KEY}/001/submit"
PATH = f"{API}/events/{KEY}/participants/001/changes"
COLUMNS = [Column(name, "text") for name in ("district_id", "school_id", "row_key", "grade")]
BEFORE = [("001010", f"S{i:02}", "5") for i in range(40)]
AFTER = [*BEFORE[2:30], *(("001020", key, "6") for _, key, _ in BEFORE[30:]), (None, "S99", "1")]


def sent_back(engine: sa.Engine) -> Cast:
    """Adair County certified revision 1 in round 1 and was sent back; revision 2 is current and counted."""
    made = fill(engine)
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        _store(engine, session, session.get_one(Revision, adair.current_revision_id), BEFORE)
    with transaction(engine) as session:
        now = database_now(session)
        adair = session.get_one(Participant, adair.id)
        revision = session.get_one(Revision, adair.current_revision_id)
        for actor in (made.smith, made.jones):
            attested = service.Attestation(revision.number, revision.digest, 1, actor.name, "Superintendent")
            service.submit(KEY, "001", attested, session=session, actor=actor, now=now)
        service.request_recertification(KEY, ["001"], "Look again", session=session, actor=made.approver, now=now)
    return made


@pytest.fixture
def cast(engine: sa.Engine) -> Cast:
    return sent_back(engine)


def correct(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        _store(engine, session, _next_revision(session, adair), AFTER)
    assert count_changes_since_certified(KEY, engine=engine) == 1


def _next_revision(session: Session, participant: Participant) -> Revision:
    """As a snapshot of the district's own makes it."""
    first = session.get_one(Revision, participant.current_revision_id)
    moment = database_now(session)
    snapshot = Snapshot(
        event_id=participant.event_id,
        kind=SnapshotKind.DISTRICT,
        status=SnapshotStatus.COMPLETED,
        on_demand=True,
        requested_by="smith",
        requested_at=moment,
    )
    session.add(snapshot)
    session.flush()
    made = Revision(
        participant_id=participant.id,
        snapshot_id=snapshot.id,
        number=first.number + 1,
        kind=SnapshotKind.DISTRICT,
        taken_by="smith",
        taken_at=moment,
        source_as_of=moment,
        confirmed_as_of=moment,
        digest="c" * 64,
        row_count=len(AFTER),
        empty=False,
        validated_at=moment,
    )
    session.add(made)
    session.flush()
    session.add(
        RevisionView(revision_id=made.id, view="enrollment", row_count=0, digest=made.digest, columns=[], slot=0)
    )
    participant.current_revision_id = made.id
    session.flush()
    return made


def _store(engine: sa.Engine, session: Session, revision: Revision, rows: list[Any]) -> None:
    """Put rows behind the revision, as a small snapshot does."""
    event_id = session.scalars(sa.select(Event.id).where(Event.key == KEY)).one()
    with connect(engine.url) as database:
        view_tables.ensure_view_table(database, "enrollment", COLUMNS)
        partitions.ensure_event_tables(database, "enrollment", event_id, Level.DISTRICT)
    columns = [[column.name, column.type] for column in COLUMNS]
    session.execute(
        sa.update(RevisionView)
        .where(RevisionView.revision_id == revision.id)
        .values(columns=columns, row_count=len(rows), slot=0)
    )
    insert = sa.text(
        "insert into datamart.enrollment (event_id, slot, snapshot_id, district_id, school_id, row_key, grade) "
        "values (:event_id, 0, :snapshot_id, '001', :school, :key, :grade)"
    )
    place = {"event_id": event_id, "snapshot_id": revision.snapshot_id}
    session.execute(insert, [{**place, "school": school, "key": key, "grade": grade} for school, key, grade in rows])


def test_a_district_sees_what_changed_since_it_certified_by_view_and_school(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    correct(engine)

    answer = browser("smith").get(PATH).json()

    assert (answer["from"], answer["to"], answer["summary"]) == (1, 2, "+1 \N{MINUS SIGN}2 ~10")
    [view] = answer["views"]
    assert {school["number"]: school["counts"] for school in view["schools"]} == {
        "": {"added": 1, "removed": 0, "changed": 0},
        "001010": {"added": 0, "removed": 2, "changed": 0},
        "001020": {"added": 0, "removed": 0, "changed": 10},
    }
    since = browser("smith").get(PATH.removesuffix("/changes")).json()["changed_since"]
    assert (since["by_the_person"], since["counts"]) == (True, answer["counts"])


def test_the_state_sees_it_on_its_list(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    correct(engine)

    rows = browser("approver").get(f"{API}/events/{KEY}/participants").json()["items"]

    assert [(row["number"], row["current_differs"], row["changes"]) for row in rows] == [
        ("001", True, {"added": 1, "removed": 2, "changed": 10}),
        ("005", False, None),
    ]


@pytest.mark.parametrize("username", ["smith", "brown", "approver", "statereviewer"])
def test_the_rows_are_read_to_their_end_by_cursor(
    browser: Browser, cast: Cast, engine: sa.Engine, username: str
) -> None:
    correct(engine)
    client = browser(username)
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{PATH}?view=enrollment&limit=5{cursor and '&cursor=' + cursor}").json()
        assert len(page["items"]) <= 5
        found += page["items"]
        cursor = page["next_cursor"]

    assert [row["row_key"] for row in found] == ["S00", "S01", *(f"S{i}" for i in range(30, 40)), "S99"]
    assert found[2]["change"] == "changed"
    assert found[2]["columns"] == ["school_id", "grade"]
    assert (found[2]["before"]["grade"], found[2]["after"]["grade"]) == ("5", "6")
    assert [row["row_key"] for row in client.get(f"{PATH}?view=enrollment&school=").json()["items"]] == ["S99"]


def test_two_revisions_named_backwards_are_compared_backwards(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    correct(engine)

    assert browser("smith").get(f"{PATH}?from=2&to=1").json()["summary"] == "+2 \N{MINUS SIGN}1 ~10"


def test_who_follows_the_event_without_a_place_in_the_category_sees_numbers_and_no_rows(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    correct(engine)
    with transaction(engine) as session:
        person = Person(username="viewer", name="A Viewer", active=True)
        session.add(person)
        session.flush()
        session.add(
            ToolRight(person_id=person.id, tool=Tool.EVENT_MANAGEMENT, read=True, write=False, add=False, delete=False)
        )
    viewer = browser("viewer")

    assert viewer.get(PATH).json()["summary"] == "+1 \N{MINUS SIGN}2 ~10"
    for refused in (viewer.get(f"{PATH}?view=enrollment"), viewer.get(f"{PATH}?from=2&to=1")):
        assert refused.status_code == 403
        assert "S99" not in refused.text


def test_another_district_is_told_nothing(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    correct(engine)

    for query in ("", "?view=enrollment", "?from=1&to=2"):
        assert browser("green").get(PATH + query).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?from=1&to=9", 404), ("?from=0", 422), ("?view=staff", 404), ("?view=enrollment&school=%00", 422),
        ("?view=enrollment&cursor=x", 422), ("?from=99999999999", 422),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    browser: Browser, cast: Cast, engine: sa.Engine, query: str, status: int
) -> None:
    correct(engine)

    assert browser("smith").get(PATH + query).status_code == status


def test_before_anything_was_certified_the_revisions_have_to_be_named(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)

    refused = browser("smith").get(PATH)

    assert refused.status_code == 422
    assert "Nothing was certified yet" in refused.json()["detail"]


def test_before_event_start_there_is_nothing_to_compare(browser: Browser, engine: sa.Engine) -> None:
    day = datetime.timedelta(days=1)
    fill(engine, start_date=today() + day, opens_date=today() + 2 * day, end_date=today() + 9 * day)

    assert browser("smith").get(f"{PATH}?from=1&to=1").status_code == 404


def test_the_same_data_are_certified_again_only_with_a_reason(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    refused = certify(browser("smith"))
    page = browser("jones").get(SUBMIT)

    assert refused.status_code == 422
    assert "say why you certify the same data again" in refused.json()["detail"]
    assert 'name="reason_without_change"' in page.text
    assert certify(browser("smith"), reason_without_change="It was right.").status_code == 201
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    fields = {**hidden, "name": "Jo Jones", "title": "Clerk"}
    assert "say why you certify the same data again" in browser("jones").post(SUBMIT, data=fields).text
    sent = browser("jones").post(SUBMIT, data={**fields, "reason_without_change": "I checked."})
    assert sent.status_code == 303
    with Session(engine) as session:
        reasons = session.scalars(sa.select(Submission.reason_without_change).order_by(Submission.id)).all()
    assert reasons == [None, None, "It was right.", "I checked."]
    assert "I checked." in browser("jones").get(sent.headers["location"]).text
    told = browser("approver").get(f"{ROOT}/events/{KEY}/participants/001/").text
    assert "It was right." in told
    assert "I checked." in told


def test_corrected_data_are_certified_without_a_reason(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    correct(engine)

    assert "reason_without_change" not in browser("jones").get(SUBMIT).text
    assert certify(browser("smith")).status_code == 201
