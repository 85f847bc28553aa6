"""Who hears of what: each sentence of the rules about notifications, the kind of message, and exactly its receivers."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from certification_lib.categories.membership import add_member, change_member, remove_member
from certification_lib.categories.models import CategoryRole, Member
from certification_lib.categories.service import publish_category
from certification_lib.certification import announcements, service
from certification_lib.certification.closing import close_event
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.waiting import tell_approvers_what_waits
from certification_lib.events.models import Milestone, MilestoneKind, MilestoneState
from certification_lib.notifications.kinds import KIND_WORDS
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, Person, PersonRole, Role, Tool
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.finishing import FinishedValidation, RuleThatCouldNotRun
from certification_lib.validation.models import ValidationStatus
from tests.certification.conftest import Office, make_office

DAY = datetime.timedelta(days=1)
ADAIR = {"smith", "jones", "brown"}
EVERYBODY = {*ADAIR, "green"}
OWING = {"smith", "jones", "green"}
APPROVER = {"approver"}
WHY = "Storm"
Act = Callable[[Office], object]


def at(month: int, day: int, hour: int = 12) -> datetime.datetime:
    return datetime.datetime(2016, month, day, hour, 5, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Told:
    """A sentence of the rules: after `before`, `act` tells exactly these, by kind."""

    sentence: str
    act: Act
    whom: dict[str, set[str]]
    before: tuple[Act, ...] = field(default=())


def submits(who: str, number: str = "001") -> Act:
    return lambda office: office.submit(getattr(office, who), number)


def milestone(kind: MilestoneKind, announce: Callable[..., object], now: datetime.datetime) -> Act:
    def act(office: Office) -> None:
        office.session.add(Milestone(event_id=office.event.id, kind=kind, at=now, state=MilestoneState.DUE))
        office.session.flush()
        announce(office.key, moment=now, run_id="scheduled__1", session=office.session, now=now)

    return act


def approves(office: Office) -> None:
    office.approve(include_uncertified=True, reason=WHY)


def asks_again(office: Office) -> None:
    service.request_recertification_by_district(office.key, "001", WHY, **office.act(office.smith))


def sends_back(office: Office) -> None:
    service.request_recertification(office.key, ["001"], WHY, **office.act(office.approver))


def decides(accept: bool) -> Act:
    return lambda office: service.decide_request(office.key, "001", accept, WHY, **office.act(office.approver))


def extends(office: Office) -> None:
    service.extend_due_date(office.key, ["001"], datetime.date(2016, 11, 9), WHY, **office.act(office.approver))


def overrides(office: Office) -> None:
    day = datetime.date(2016, 11, 9)
    service.override_due_date(office.key, "001", "smith", day, WHY, **office.act(office.approver))


def holds(office: Office) -> None:
    hold_event(office.key, WHY, **office.act(office.approver))


def new_data(office: Office) -> None:
    revision = office.world.revision(office.participant, "other data")
    service.note_new_revisions([revision.id], session=office.session, now=office.now)


def state_writes(office: Office, **whom: object) -> None:
    service.send_message(office.key, "Hello", **whom, **office.act(office.approver))


def names_clerk(office: Office) -> None:
    clerk = office.world.person("clerk")
    for tool in (Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS):
        office.world.give(clerk, tool, "RWAD", office.adair)
    _as_administrator(office)
    add_member(
        office.world.category.id, "clerk", CategoryRole.REVIEWER, organization_number="001",
        **office.act(office.approver),
    )  # fmt: skip


def _as_administrator(office: Office) -> None:
    approver = office.world.person("approver")
    office.world.give(approver, Tool.CERTIFICATION_CATEGORY, "RWAD")


def brown_certifies(office: Office) -> None:
    _as_administrator(office)
    member = _member(office, "brown")
    change_member(member, role=CategoryRole.CERTIFIER, **office.act(office.approver))


def brown_leaves(office: Office) -> None:
    _as_administrator(office)
    remove_member(_member(office, "brown"), **office.act(office.approver))


def _member(office: Office, username: str) -> int:
    person = office.world.person(username)
    return office.session.scalars(sa.select(Member.id).where(Member.person_id == person.id)).one()


def publishes_category(office: Office) -> None:
    category = office.world.category
    office.session.execute(sa.delete(Member).where(Member.category_id == category.id))
    office.session.execute(sa.update(Organization).values(contact_email=None))
    office.adair.contact_email = "office@adair.example"
    office.event.status = "Closed"  # type: ignore[assignment] - a category of a live event stays published
    category.published = False
    head = office.world.person("head")
    office.session.add(
        PersonRole(person_id=head.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=office.barren.id)
    )
    _as_administrator(office)
    office.session.flush()
    publish_category(category.id, **office.act(office.approver))


def snapshot_fails(office: Office) -> None:
    office.session.add(
        Snapshot(
            event_id=office.event.id, kind=SnapshotKind.STATE, status=SnapshotStatus.FAILED, requested_at=office.now,
            on_demand=False, requested_by="system", failure="the source was away",
        )
    )  # fmt: skip
    office.session.flush()
    announcements.announce_failed_snapshots(office.key, session=office.session, now=office.now)


def rule_does_not_run(office: Office) -> None:
    rule = RuleThatCouldNotRun("ENR-001", "Title", "its column is missing", 1)
    finished = FinishedValidation(1, office.event.id, ValidationStatus.FAILED, 1, 1, 0, (rule,))
    announcements.rules_could_not_run(office.event, finished, session=office.session, now=office.now)


def findings(office: Office) -> None:
    announcements.findings_ready(office.event, session=office.session, now=office.now)


def waits(days: int) -> Act:
    return lambda office: tell_approvers_what_waits(session=office.session, now=office.now + days * DAY)


def closes(office: Office) -> None:
    close_event(office.key, "Done", confirmed_name=office.version.name, **office.act(office.approver, now=at(11, 20)))


SENT = (submits("smith"), submits("jones"))
TABLE = [
    Told("category published down: District Administrators and contacts", publishes_category,
         {"category_published": {"office@adair.example", "head"}}),
    Told("member added: that person and the organization's certifiers", names_clerk,
         {"member_added": {"clerk", "smith", "jones"}}),
    Told("member changed", brown_certifies, {"member_changed": {"brown", "smith", "jones"}}),
    Told("member removed", brown_leaves, {"member_removed": {"brown", "smith", "jones"}}),
    Told("first snapshot and findings ready: certifiers and reviewers", findings, {"findings_ready": EVERYBODY}),
    Told("window opens: people who owe", milestone(MilestoneKind.OPEN_WINDOW, announcements.open_window, at(10, 5)),
         {"window_opened": {"jones", "green"}}, (submits("smith"),)),
    Told("hold: people who owe", holds, {"event_held": {"jones", "green"}}, (submits("smith"),)),
    Told("resume: people who owe", lambda office: resume_event(office.key, **office.act(office.approver)),
         {"event_resumed": OWING}, (holds,)),
    Told("reminder: only people who still owe",
         milestone(MilestoneKind.REMINDER, announcements.remind, at(10, 24)), {"reminder": {"jones", "green"}},
         (submits("smith"),)),
    Told("overdue: only people who still owe",
         milestone(MilestoneKind.OVERDUE_NOTICE, announcements.remind, at(11, 1)), {"overdue": {"jones", "green"}},
         (submits("smith"),)),
    Told("one of several submitted: the certifiers still owing", submits("smith"), {"one_certified": {"jones"}}),
    Told("a submission no longer counts: its author", new_data, {"submission_no_longer_counts": {"smith"}},
         (submits("smith"),)),
    Told("ready to send: those who may send",
         lambda office: service.tell_ready_to_send(session=office.session, now=office.now),
         {"ready_to_send": {"smith"}},
         (submits("smith"), lambda office: office.session.execute(
             sa.update(Member).where(Member.id == _member(office, "jones")).values(removed_at=office.now)))),
    Told("certified: state approvers and the participant's people", submits("jones"),
         {"certified": {*ADAIR, "approver"}}, (submits("smith"),)),
    Told("waiting for five days: nobody yet", waits(5), {}, SENT),
    Told("waiting over five days: approvers", waits(6), {"waits_for_state": APPROVER}, SENT),
    Told("approved: the participant", approves, {"approved": ADAIR}),
    Told("approval withdrawn: the participant",
         lambda office: service.withdraw_approval(office.key, ["001"], WHY, **office.act(office.approver)),
         {"approval_withdrawn": ADAIR}, (approves,)),
    Told("recertification asked for by the district: approvers and its other certifiers", asks_again,
         {"recertification_requested": {"approver", "jones"}}, SENT),
    Told("a request withdrawn: approvers",
         lambda office: service.withdraw_request(office.key, "001", **office.act(office.smith)),
         {"request_withdrawn": APPROVER}, (*SENT, asks_again)),
    Told("a request accepted: the participant", decides(True), {"request_accepted": ADAIR}, (*SENT, asks_again)),
    Told("a request denied: the participant", decides(False), {"request_denied": ADAIR}, (*SENT, asks_again)),
    Told("a request answered by an approval: who asked too", approves,
         {"approved": ADAIR, "request_answered_by_approval": {"smith"}}, (*SENT, asks_again)),
    Told("recertification requested by the state: the participant", sends_back, {"sent_back": ADAIR}, SENT),
    Told("recertification taken back: the participant",
         lambda office: service.take_back_recertification(office.key, ["001"], WHY, **office.act(office.approver)),
         {"recertification_taken_back": ADAIR}, (*SENT, sends_back)),
    Told("due date extended: those it covers", extends, {"due_date_given": {"smith", "jones"}}),
    Told("due date of one person: him", overrides, {"due_date_given": {"smith"}}),
    Told("due date taken back: those it covered",
         lambda office: service.take_back_due_date(office.key, ["001"], **office.act(office.approver)),
         {"due_date_taken_back": {"smith", "jones"}}, (extends,)),
    Told("message from the state: all who owe", lambda office: state_writes(office, owing=True),
         {"message_from_state": {"jones", "green"}}, (submits("smith"),)),
    Told("message from the state: a participant's people", lambda office: state_writes(office, numbers=["001"]),
         {"message_from_state": ADAIR}),
    Told("message from the state: chosen certifiers", lambda office: state_writes(office, usernames=["green"]),
         {"message_from_state": {"green"}}),
    Told("withdrawn: the participant",
         lambda office: service.withdraw_participant(office.key, "001", WHY, **office.act(office.approver)),
         {"participant_withdrawn": ADAIR}),
    Told("snapshot failed: approvers", snapshot_fails, {"snapshot_failed": APPROVER}),
    Told("a rule could not run: approvers", rule_does_not_run, {"could_not_run": APPROVER}),
    Told("End passed: approvers", milestone(MilestoneKind.CLOSE_WINDOW, announcements.close_window, at(11, 1, 4)),
         {"window_ended": APPROVER}),
    Told("weekly until closed: approvers", waits(34), {"still_open": APPROVER}),
    Told("closed: the participants and the state", closes,
         {"event_closed": EVERYBODY, "event_closed_state": {"approver", "statereviewer"}}),
]  # fmt: skip


@pytest.fixture
def office(session: sa.orm.Session) -> Office:
    return make_office(session)


@pytest.mark.parametrize("row", TABLE, ids=[row.sentence for row in TABLE])
def test_exactly_those_are_told_once(office: Office, row: Told) -> None:
    for act in row.before:
        act(office)
    office.session.flush()
    seen = office.session.scalar(sa.select(sa.func.max(Message.id))) or 0

    row.act(office)

    told = _messages_since(office, seen)
    whom: dict[str, set[str]] = defaultdict(set)
    for kind, receiver in told:
        whom[kind].add(receiver)
    assert whom == row.whom
    assert [pair for pair, times in Counter(told).items() if times > 1] == []


def _messages_since(office: Office, seen: int) -> list[tuple[str, str]]:
    office.session.flush()
    receiver = sa.func.coalesce(Person.username, Message.email)
    query = sa.select(Message.kind, receiver).outerjoin(Person, Person.id == Message.person_id).where(Message.id > seen)
    return [(kind, name) for kind, name in office.session.execute(query)]


def test_every_kind_has_words() -> None:
    assert {kind for row in TABLE for kind in row.whom} <= KIND_WORDS.keys()
