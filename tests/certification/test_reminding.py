"""Who would be reminded next and of what, and what a pause of reminders does."""

import datetime

import pytest
import sqlalchemy as sa

from certification_lib.certification import announcements, service
from certification_lib.certification.reminders import Rung, next_rung
from certification_lib.certification.reminding import (
    ReminderPreview,
    pause_reminders,
    reminder_preview,
    resume_reminders,
)
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import FindingsPolicy, Milestone, MilestoneKind, MilestoneState
from certification_lib.events.planning import replan
from certification_lib.people.queries import state_time_zone
from certification_lib.snapshots.models import Revision
from tests.certification.conftest import NOON, Office, make_office

SEVEN_DAYS_BEFORE = datetime.datetime(2016, 10, 24, 12, 0, tzinfo=datetime.UTC)  # 08:00 in New York
OCTOBER = {day: datetime.date(2016, 10, day) for day in range(1, 32)}


def preview(office: Office, now: datetime.datetime = NOON) -> ReminderPreview:
    office.session.flush()
    return reminder_preview(office.event, session=office.session, now=now)


@pytest.mark.parametrize(
    ("due", "first", "day", "rung"),
    [
        (OCTOBER[31], OCTOBER[5], OCTOBER[17], Rung(14, overdue=False)),
        (OCTOBER[31], OCTOBER[17], OCTOBER[17], Rung(14, overdue=False)),
        (OCTOBER[31], OCTOBER[18], OCTOBER[24], Rung(7, overdue=False)),
        (OCTOBER[10], OCTOBER[11], OCTOBER[11], Rung(1, overdue=True)),
        (OCTOBER[10], OCTOBER[14], None, None),
    ],
    ids=["two weeks ahead", "the same day", "the step after", "overdue", "nothing is left"],
)
def test_the_next_step_of_the_ladder_counts_from_the_persons_due_date(
    due: datetime.date, first: datetime.date, day: datetime.date | None, rung: Rung | None
) -> None:
    found = next_rung(due, first=first, reminder_days=[14, 7, 3, 1, 0])

    assert found == ((day, rung) if day else None)


def test_everybody_who_owes_stands_in_the_preview_with_what_is_missing(office: Office) -> None:
    office.submit(office.smith)
    office.world.person("green").email = None

    shown = preview(office)

    assert shown.on == OCTOBER[17]
    assert [(one.username, one.has_email, [(m.number, m.what) for m in one.missing]) for one in shown.next_people] == [
        ("green", False, [("005", "only the certification")]),
        ("jones", True, [("001", "only the certification")]),
    ]
    assert {one.words for one in shown.people} == {"due in 14 days"}


def test_who_has_an_extension_is_reminded_on_days_of_his_own(office: Office) -> None:
    service.override_due_date(office.key, "001", "smith", OCTOBER[31] + datetime.timedelta(days=9), "Illness",
                              **office.act(office.approver))  # fmt: skip

    shown = preview(office)

    assert [one.username for one in shown.next_people] == ["green", "jones"]
    assert [(one.username, one.on) for one in shown.later_people] == [("smith", OCTOBER[26])]


def test_what_is_missing_names_the_first_thing_first(session: sa.orm.Session) -> None:
    office = make_office(session, findings_policy=FindingsPolicy.ERRORS_BLOCK, with_data=False)
    rule = office.world.rule("STU-005")
    office.world._pin(office.version, [rule])
    green = {"005": "no snapshot yet"}
    assert {one.missing[0].number: one.missing[0].what for one in preview(office).people} == {
        "001": "no snapshot yet",
        **green,
    }

    revision = office.world.revision(office.participant, "adair", validated=False)
    assert "its rules are still running" in {one.missing[0].what for one in preview(office).people}

    office.world.result(revision, rule, 1_200)
    session.execute(sa.update(Revision).values(validated_at=NOON))
    assert "1,200 findings to correct" in {one.missing[0].what for one in preview(office).people}


def test_while_reminders_are_paused_what_comes_due_is_left_out_with_the_reason(office: Office) -> None:
    session, act = office.session, office.act(office.approver)
    replan(office.event, office.version, state_time_zone(session=session), session=session, now=NOON)
    pause_reminders(office.key, "The state's own system is down", **act)

    told = announcements.remind(
        office.key, moment=SEVEN_DAYS_BEFORE, run_id="a run", session=session, now=SEVEN_DAYS_BEFORE
    )
    own = announcements.remind_by_own_due_dates(office.key, session=session, now=SEVEN_DAYS_BEFORE)

    assert (told, own) == (0, 0)
    assert office.messages("reminder") == []
    reminders = session.scalars(
        sa.select(Milestone)
        .where(Milestone.kind == MilestoneKind.REMINDER, Milestone.at <= SEVEN_DAYS_BEFORE)
        .order_by(Milestone.at)
    ).all()
    assert {one.state for one in reminders} == {MilestoneState.SKIPPED}
    assert reminders[-1].reason == announcements.PAUSED

    resume_reminders(office.key, **act)
    assert announcements.remind(
        office.key, moment=SEVEN_DAYS_BEFORE, run_id="a run", session=session, now=SEVEN_DAYS_BEFORE
    ) is None  # fmt: skip
    later = SEVEN_DAYS_BEFORE + datetime.timedelta(days=4)
    assert announcements.remind(office.key, moment=later, run_id="a run", session=session, now=later) == 3
    assert {one.path for one in office.messages("reminder")} == {
        f"/certification/my-events/{office.key}/{number}/" for number in ("001", "005")
    }


def test_pausing_needs_an_approver_and_a_reason_and_is_done_once(office: Office) -> None:
    act = office.act(office.approver)
    for actor, error in ((office.state_reviewer, NotAllowed), (office.smith, NotAllowed)):
        with pytest.raises((error, NotFound)):
            pause_reminders(office.key, "Why not", **office.act(actor))
    with pytest.raises(BadInput):
        pause_reminders(office.key, "  ", **act)

    pause_reminders(office.key, "A storm", **act)

    shown = preview(office)
    assert (shown.paused_by, shown.pause_reason) == (office.approver.name, "A storm")
    with pytest.raises(Conflict, match="already paused"):
        pause_reminders(office.key, "A storm", **act)
    resume_reminders(office.key, **act)
    with pytest.raises(Conflict, match="already resumed"):
        resume_reminders(office.key, **act)
    assert office.audit()[-2:] == ["event:pause-reminders", "event:resume-reminders"]
    assert preview(office).paused_at is None
