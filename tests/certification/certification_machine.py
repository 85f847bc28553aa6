"""The services act out what Hypothesis draws, and after every act they must say what `certification_model` says."""

import datetime
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.categories.membership import add_member, remove_member
from certification_lib.categories.models import CategoryRole, Member
from certification_lib.categories.people_service import change_person, set_rights
from certification_lib.certification import service
from certification_lib.certification.changes import changes_of
from certification_lib.certification.closing import close_event
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.models import ReviewOutcome
from certification_lib.certification.progress_filter import PROGRESS_FILTERS, progress_condition
from certification_lib.certification.rules import due_date, owing, progress, ready_to_send, user_status
from certification_lib.certification.taking_part import take_roll
from certification_lib.errors import BadInput, CertificationError, Conflict
from certification_lib.events.models import EventStatus, EventVersion, EventVersionParticipant, Participant
from certification_lib.events.phases import end_moment, local_day
from certification_lib.people.models import DISTRICT_TOOLS, Person, Tool
from certification_lib.snapshots.models import Revision
from tests.certification.certification_model import APPROVED, OPEN, SENT, WITHDRAWN, Data, District, Effect, Model
from tests.certification.certification_model import Person as Known
from tests.certification.conftest import Office, make_office

ZONE = ZoneInfo("America/New_York")
DAY = datetime.timedelta(days=1)
PLACES = {"smith": "001", "jones": "001", "later": "001", "green": "005", "second": "005"}
NUMBERS = st.sampled_from(["001", "001", "001", "005"])
WHO = st.sampled_from(["smith", "jones", "smith", "jones", "later", "green", "second"])
ANYONE = st.sampled_from([*PLACES, "brown", "statereviewer"])
DUE = st.one_of(st.none(), st.integers(-1, 40))
EVERYTHING = sa.text(
    "select (select array_agg(p::text order by id) from certification.participant p),"
    " (select array_agg(r::text order by id) from certification.certification_round r),"
    " (select array_agg(a::text order by id) from certification.approval a),"
    " (select array_agg(q::text order by id) from certification.recertification_request q),"
    " (select array_agg(d::text order by id) from certification.due_date d),"
    " (select array_agg(e::text order by id) from certification.event e),"
    " (select array_agg(m::text order by id) from certification.category_member m),"
    " (select count(*) from certification.submission), (select count(*) from certification.review),"
    " (select count(*) from certification.message), (select count(*) from certification.audit_entry)"
)


class Certification(RuleBasedStateMachine):
    """Two districts from publication to closing; an hour goes by with each act, and days in between."""

    engine: sa.Engine
    steps = 0
    done: Counter[str] = Counter()
    met: Counter[str] = Counter()
    """How often something came about that is hard to get right."""
    left: set[Any] = set()

    @initialize(needs_snapshot=st.sampled_from([True, True, True, False]), ahead=st.booleans())
    def publish(self, needs_snapshot: bool, ahead: bool) -> None:
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        self.office: Office = make_office(self.session, requires_snapshot=needs_snapshot)
        office, world = self.office, self.office.world
        if needs_snapshot:
            world._pin(office.version, [world.rule("STU-005")])  # without a rule there is nothing to wait for
        if ahead:
            office.now = datetime.datetime(2016, 10, 1, 14, tzinfo=datetime.UTC)
        self.actors: dict[str, Actor] = {actor.username: actor for actor in office.people()}
        for name, lea in (("later", office.adair), ("second", office.barren)):
            person = world.person(name)
            for tool in DISTRICT_TOOLS:
                world.give(person, tool, "RWAD", lea)
            self.actors[name] = world.actor(person)
        self.model = Model(needs_snapshot, office.version.opens_date, office.version.end_date, {})  # type: ignore[arg-type]
        for number in ("001", "005"):
            people = {who: Known(who not in {"later", "second"}) for who, place in PLACES.items() if place == number}
            current = Data(1, {"001": "adair", "005": "barren"}[number], True) if needs_snapshot else None
            self.model.districts[number] = District(people, current=current)
        self.contents = 0
        self.participant_ids = [self.participant(number).id for number in self.model.districts]

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            self.session.close()
            self.outer.rollback()
            self.connection.close()

    # What every act has in common

    def tick(self) -> None:
        self.office.now += datetime.timedelta(hours=1)
        self.model.today = local_day(self.office.now, ZONE)
        type(self).steps += 1

    def attempt(self, effect: Effect | None, do: Callable[..., object], *arguments: object, **named: Any) -> bool:
        """Both do it, or both refuse it; refused, nothing at all is changed. Whether it was done."""
        actor = self.actors[named.pop("by", "approver")]
        before = self.everything() if effect is None else None
        try:
            with self.session.begin_nested():
                do(*arguments, **named, **self.office.act(actor))
        except CertificationError as refusal:
            assert effect is None, f"refused: {refusal}"  # noqa: PT017 - whether it may be refused is the question
            assert str(refusal)  # noqa: PT017
            assert self.everything() == before
            return False
        assert effect is not None, "done, although it should be refused"
        effect()
        type(self).done[getattr(do, "__name__", "")] += 1
        return True

    def begins_a_round(self, number: str, effect: Effect | None, do: Callable[..., object], *arguments: object) -> None:
        before = self.model.districts[number].round
        if self.attempt(effect, do, self.office.key, *arguments):
            late = self.model.today > self.model.end
            self.met["a round begun after End"] += late
            self.met["an extension that fell with its round"] += before.due is not None
            self.met["an override that fell with its round"] += bool(before.overrides)

    def everything(self) -> Any:
        self.session.flush()
        return self.session.execute(EVERYTHING).one()

    def day(self, days: int | None) -> datetime.date | None:
        return None if days is None else self.model.today + days * DAY

    # Acts of the district

    @rule(who=WHO, stale=st.sampled_from([False] * 7 + [True]))
    def submit(self, who: str, stale: bool) -> None:
        self.tick()
        self.submit_for(PLACES[who], who, stale=stale)

    @rule(who=ANYONE, number=NUMBERS)
    def submit_for_anybody(self, who: str, number: str) -> None:
        self.tick()
        self.submit_for(number, who, stale=False)

    def submit_for(self, number: str, who: str, *, stale: bool) -> None:
        changes = {"digest": "0" * 64} if stale else {}
        shown = self.office.shown(number, **changes)
        effect = self.model.submit(number, who, shown_newest=not stale)
        self.attempt(effect, service.submit, self.office.key, number, shown, by=who)

    @rule(number=NUMBERS)
    def everybody_submits(self, number: str) -> None:
        self.all_sign(number)

    @rule(who=WHO)
    def ask(self, who: str) -> None:
        self.tick()
        effect = self.model.ask(PLACES[who], who)
        key = self.office.key
        self.attempt(effect, service.request_recertification_by_district, key, PLACES[who], "Because", by=who)

    @rule(who=WHO)
    def withdraw_request(self, who: str) -> None:
        self.tick()
        effect = self.model.withdraw_request(PLACES[who], who)
        self.attempt(effect, service.withdraw_request, self.office.key, PLACES[who], by=who)

    @rule(number=NUMBERS, answer=st.sampled_from(["none", "withdrawn", "accepted", "denied"]), days=DUE)
    def ask_and_be_answered(self, number: str, answer: str, days: int | None) -> None:
        """One after the other: drawn singly a request is hardly ever made where it may be, let alone answered."""
        for who in sorted(self.model.districts[number].certifiers)[:1]:
            key = self.office.key
            self.tick()
            asked = self.model.ask(number, who)
            self.attempt(asked, service.request_recertification_by_district, key, number, "Because", by=who)
            self.tick()
            if answer == "withdrawn":
                self.attempt(self.model.withdraw_request(number, who), service.withdraw_request, key, number, by=who)
            elif answer != "none":
                accept, due = answer == "accepted", self.day(days)
                self.answer(number, accept, due)

    # Acts of the state

    @rule(number=NUMBERS, tick=st.booleans())
    def approve(self, number: str, tick: bool) -> None:
        self.tick()
        effect = self.model.approve(number, tick=tick)
        reason = "Because" if tick else None
        self.attempt(effect, service.approve, self.office.key, [number], reason, tick)

    @rule(number=NUMBERS, who=st.sampled_from(["statereviewer", "smith", "brown"]))
    def approve_without_being_an_approver(self, number: str, who: str) -> None:
        self.tick()
        self.attempt(None, service.approve, self.office.key, [number], "Because", True, by=who)

    @rule(number=NUMBERS)
    def withdraw_approval(self, number: str) -> None:
        self.tick()
        effect = self.model.withdraw_approval(number)
        self.attempt(effect, service.withdraw_approval, self.office.key, [number], "Because")

    @rule(number=NUMBERS, days=DUE)
    def send_back(self, number: str, days: int | None) -> None:
        self.tick()
        self.send_back_by(number, self.day(days))

    def send_back_by(self, number: str, due: datetime.date | None) -> None:
        effect = self.model.send_back(number, due)
        self.begins_a_round(number, effect, service.request_recertification, [number], "Because", due)

    @rule(number=NUMBERS)
    def take_back(self, number: str) -> None:
        self.tick()
        effect = self.model.take_back(number)
        self.attempt(effect, service.take_back_recertification, self.office.key, [number], "Because")

    @rule(number=NUMBERS, accept=st.booleans(), days=DUE)
    def decide(self, number: str, accept: bool, days: int | None) -> None:
        self.tick()
        self.answer(number, accept, self.day(days))

    def answer(self, number: str, accept: bool, due: datetime.date | None) -> None:
        effect = self.model.decide(number, accept, due)
        if accept:
            self.begins_a_round(number, effect, service.decide_request, number, accept, "Because", due)
        else:
            self.attempt(effect, service.decide_request, self.office.key, number, accept, "Because", due)

    @rule(number=NUMBERS, days=st.integers(-1, 40))
    def extend_due_date(self, number: str, days: int) -> None:
        self.tick()
        day = self.model.today + days * DAY
        effect = self.model.give_due_date(number, None, day)
        self.attempt(effect, service.extend_due_date, self.office.key, [number], day, "Because")

    @rule(who=WHO, days=st.integers(-1, 40))
    def override_due_date(self, who: str, days: int) -> None:
        self.tick()
        day = self.model.today + days * DAY
        effect = self.model.give_due_date(PLACES[who], who, day)
        self.attempt(effect, service.override_due_date, self.office.key, PLACES[who], who, day, "Because")

    @rule(number=NUMBERS, who=st.one_of(st.none(), WHO))
    def take_back_due_date(self, number: str, who: str | None) -> None:
        self.tick()
        effect = self.model.take_back_due_date(number, who)
        self.attempt(effect, service.take_back_due_date, self.office.key, [number], who)

    @rule(number=NUMBERS)
    def review(self, number: str) -> None:
        self.tick()
        effect = self.model.review(number)
        arguments = (self.office.key, number, ReviewOutcome.NO_ISSUES)
        self.attempt(effect, service.record_review, *arguments, by="statereviewer")

    @rule(number=NUMBERS)
    def withdraw_participant(self, number: str) -> None:
        self.tick()
        effect = self.model.withdraw(number)
        self.attempt(effect, service.withdraw_participant, self.office.key, number, "Because")

    @rule(number=NUMBERS)
    def put_back(self, number: str) -> None:
        """As a republish does it that has the participant on its list while the live version has not."""
        self.tick()
        effect = self.model.put_back(number)
        if effect is not None and not self.model.closed:
            self.roll(number)
            effect()

    def roll(self, number: str) -> None:
        event, live = self.office.event, self.office.version
        without = self.version_without(number)
        act = self.office.act(self.actors["approver"])
        roll = take_roll(event, live, without, self.model.today, **act)
        assert [one.organization_number for one in roll.put_back] == [number]

    def version_without(self, number: str) -> EventVersion:
        live = self.office.version
        values = {column.key: getattr(live, column.key) for column in sa.inspect(EventVersion).column_attrs}
        values |= {"number": 1 + (self.session.scalar(sa.select(sa.func.max(EventVersion.number))) or 0)}
        del values["id"]
        made = EventVersion(**values)
        self.session.add(made)
        self.session.flush()
        for organization in (self.office.adair, self.office.barren):
            if organization.number != number:
                self.session.add(EventVersionParticipant(event_version_id=made.id, organization_id=organization.id))
        self.session.flush()
        return made

    @rule(held=st.booleans())
    def hold_or_resume(self, held: bool) -> None:
        self.tick()
        allowed = not self.model.closed and self.model.held != held
        effect = (lambda: setattr(self.model, "held", held)) if allowed else None
        if held:
            self.attempt(effect, hold_event, self.office.key, "Because")
        else:
            self.attempt(effect, resume_event, self.office.key)

    @rule(chance=st.integers(0, 24))
    def close(self, chance: int) -> None:
        if chance == 0:
            self.tick()
            effect = None if self.model.closed else self.lapse
            self.attempt(effect, close_event, self.office.key, "Done", confirmed_name=self.office.version.name)

    def lapse(self) -> None:
        self.model.closed = True
        for district in self.model.districts.values():
            district.round.request = None
            if district.status != WITHDRAWN:
                district.status = district.before_request

    @rule(opens=st.integers(-20, 3), length=st.integers(0, 30))
    def move_the_dates(self, opens: int, length: int) -> None:
        """A republish; End never moves before today."""
        if self.model.closed:
            return
        self.set_dates(opens, length)

    def set_dates(self, opens: int, length: int) -> None:
        version, today = self.office.version, self.model.today
        version.opens_date = max(today + opens * DAY, version.start_date or today)
        version.end_date = max(version.opens_date, today) + length * DAY
        self.session.flush()
        self.model.opens, self.model.end = version.opens_date, version.end_date

    # Data, time and people

    @rule(number=NUMBERS, same=st.booleans(), validated=st.sampled_from([True, True, True, False]))
    def snapshot(self, number: str, same: bool, validated: bool) -> None:
        self.take_snapshot(number, same=same, validated=validated)

    def take_snapshot(self, number: str, *, same: bool, validated: bool = True) -> None:
        district = self.model.districts[number]
        if self.model.current_is_frozen(district) or district.current is None:
            return
        self.tick()
        self.contents += not same
        content = district.current.content if same else f"content {self.contents}"
        if self.model.done(district) and self.model.owing(district):
            self.met[f"{'equal' if same else 'new'} data between two signatures"] += 1
        revision = self.office.world.revision(self.participant(number), content, validated=validated)
        service.note_new_revisions([revision.id], session=self.session, now=self.office.now)
        district.current = Data(revision.number, content, validated)

    @rule(number=NUMBERS)
    def finish_validation(self, number: str) -> None:
        self.finish(number)

    def finish(self, number: str) -> None:
        current = self.model.districts[number].current
        if current is not None and not current.validated:
            revision = self.session.get_one(Revision, self.participant(number).current_revision_id)
            revision.validated_at = self.office.now
            current.validated = True

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.office.now += days * DAY
        self.tick()

    @rule(who=WHO)
    def join(self, who: str) -> None:
        self.change_people("named", who)

    def change_people(self, how: str, who: str) -> None:
        """Somebody is named, removed or deactivated, where that is possible."""
        district = self.model.districts[PLACES[who]]
        person = district.people[who]
        if not (person.active and (person.has_rights and not person.listed if how == "named" else person.listed)):
            return
        self.tick()
        if how == "named":
            self.met[f"named: {district.status}"] += 1
            self.add(who, PLACES[who], self.office.now)
            self.model.join(PLACES[who], who)
        elif how == "removed":
            self.met[f"removed: {district.status}"] += 1
            of_person = Member.person_id == self.actors[who].person_id
            one = self.session.scalars(sa.select(Member.id).where(of_person, Member.removed_at.is_(None))).one()
            remove_member(one, session=self.session, actor=SYSTEM, now=self.office.now)
            self.model.leave(PLACES[who], who)
        else:
            self.activate(who, active=False)

    def add(self, who: str, number: str, now: datetime.datetime) -> None:
        add_member(
            self.office.world.category.id,
            who,
            CategoryRole.CERTIFIER,
            organization_number=number,
            session=self.session,
            actor=SYSTEM,
            now=now,
        )

    @rule(who=WHO)
    def leave(self, who: str) -> None:
        self.change_people("removed", who)

    @rule(who=WHO, active=st.booleans())
    def activate_or_deactivate(self, who: str, active: bool) -> None:
        self.tick()
        self.activate(who, active=active)

    def activate(self, who: str, *, active: bool) -> None:
        district = self.model.districts[PLACES[who]]
        person = district.people[who]
        if person.active and person.listed and not active:
            self.met[f"deactivated: {district.status}"] += 1
        change_person(who, active=active, session=self.session, actor=SYSTEM, now=self.office.now)
        person.active = active

    @rule(who=WHO, held=st.sampled_from([True, True, False]))
    def give_or_take_a_right(self, who: str, held: bool) -> None:
        self.tick()
        self.rights(who, PLACES[who], "RWAD" if held else "RWA")
        self.model.districts[PLACES[who]].people[who].has_rights = held

    def rights(self, who: str, number: str, letters: str) -> None:
        set_rights(
            who, Tool.CERTIFICATION_EVENT, letters, organization_number=number,
            session=self.session, actor=SYSTEM, now=self.office.now,
        )  # fmt: skip

    @rule(how=st.sampled_from(["removed", "deactivated", "stripped"]))
    def lose_the_last_approver(self, how: str) -> None:
        """Refused: nobody could approve any more."""
        if self.model.closed:
            return
        self.tick()
        approver, world = self.actors["approver"], self.office.world

        def lose(*, session: Session, actor: Actor, now: datetime.datetime) -> None:
            act: dict[str, Any] = {"session": session, "actor": SYSTEM, "now": now}
            del actor
            if how == "removed":
                one = sa.select(Member.id).where(
                    Member.person_id == approver.person_id, Member.category_id == world.category.id
                )
                remove_member(session.scalars(one).one(), **act)
            elif how == "deactivated":
                change_person("approver", active=False, **act)
            else:
                set_rights("approver", Tool.EVENT_MANAGEMENT, "RW", **act)

        self.attempt(None, lose)

    # What chance hardly ever brings about: the way to it is gone on purpose, and each step of it held against the model

    def let_certify(self, number: str) -> None:
        """Not on hold, within the dates, and what is current has been checked."""
        if self.model.closed:
            return
        if self.model.held:
            self.tick()
            self.attempt(lambda: setattr(self.model, "held", False), resume_event, self.office.key)
        self.set_dates(-1, 5)
        self.finish(number)

    def bring_to(self, number: str, how_far: str) -> None:
        """Everybody signs; then it is approved, sent back, or the district asks to certify again."""
        self.let_certify(number)
        self.all_sign(number)
        self.tick()
        if how_far == "approved":
            effect = self.model.approve(number, tick=False)
            self.attempt(effect, service.approve, self.office.key, [number], None, False)
        elif how_far == "sent back":
            self.send_back_by(number, None)
        elif how_far == "requested":
            self.ask_for(number)
        self.the_services_say_what_the_model_says()

    def all_sign(self, number: str) -> None:
        for who in sorted(self.model.owing(self.model.districts[number])):
            self.tick()
            self.submit_for(number, who, stale=False)
            self.the_services_say_what_the_model_says()

    def ask_for(self, number: str) -> None:
        for who in sorted(self.model.districts[number].certifiers)[:1]:
            effect = self.model.ask(number, who)
            key = self.office.key
            self.attempt(effect, service.request_recertification_by_district, key, number, "Because", by=who)

    @rule(number=NUMBERS, same=st.booleans())
    def data_come_between_two_signatures(self, number: str, same: bool) -> None:
        district = self.model.districts[number]
        self.let_certify(number)
        for who in sorted(self.model.owing(district))[:1]:
            self.tick()
            self.submit_for(number, who, stale=False)
        if district.current is not None and not self.model.current_is_frozen(district):
            self.take_snapshot(number, same=same)

    @rule(
        who=WHO,
        how_far=st.sampled_from(["sent", "approved", "requested", "sent back"]),
        how=st.sampled_from(["named", "removed", "deactivated"]),
    )
    def people_change_wherever_it_stands(self, who: str, how_far: str, how: str) -> None:
        number = PLACES[who]
        self.bring_to(number, how_far)
        unlisted = [name for name, one in self.model.districts[number].people.items() if not one.listed]
        self.change_people(how, unlisted[0] if how == "named" and unlisted else who)

    @rule(number=NUMBERS, asked=st.booleans())
    def a_round_begins_after_end(self, number: str, asked: bool) -> None:
        self.let_certify(number)
        later = self.model.today + 20 * DAY
        for who in [None, *sorted(self.model.districts[number].certifiers)[:1]]:
            self.tick()
            effect = self.model.give_due_date(number, who, later)
            if who is None:
                self.attempt(effect, service.extend_due_date, self.office.key, [number], later, "Because")
            else:
                self.attempt(effect, service.override_due_date, self.office.key, number, who, later, "Because")
        self.bring_to(number, "requested" if asked else "sent")
        if not self.model.closed:
            self.set_dates(-1, 0)
        self.office.now += 2 * DAY
        self.tick()
        if asked:
            self.answer(number, True, self.model.today + 3 * DAY)
        else:
            self.send_back_by(number, self.model.today + 3 * DAY)

    # What must hold after every act

    def participant(self, number: str) -> Participant:
        return self.office.world.participant(
            self.office.event, self.office.adair if number == "001" else self.office.barren
        )

    @invariant()
    def the_services_say_what_the_model_says(self) -> None:
        self.model.today = local_day(self.office.now, ZONE)
        assert (self.office.event.status == EventStatus.CLOSED) == self.model.closed
        names = {actor.person_id: name for name, actor in self.actors.items()}
        self.session.flush()
        states = load_states(self.participant_ids, session=self.session)
        for state in states:
            number = state.number
            district, facts = self.model.districts[number], state.facts
            assert state.participant.status.value == district.status
            assert state.round.number == district.round.number
            assert {names[one] for one in owing(facts)} == self.model.owing(district)
            told = progress(facts)
            assert (told.certified, told.certifiers) == self.model.progress(district)
            assert ready_to_send(facts) == self.model.ready_to_send(district)
            assert self.number_of(state.participant.official_revision_id) == district.official
            certified = district.round.certified if district.round.sent else None
            assert self.number_of(state.participant.certified_revision_id) == (certified.number if certified else None)
            for who in district.certifiers:
                person_id = self.actors[who].person_id or 0
                due = due_date(facts, person_id, self.model.end)
                assert due == self.model.due(district, who)
                overdue = self.office.now >= end_moment(due, ZONE)
                assert user_status(facts, person_id, overdue=overdue).value == self.model.user_status(district, who)
        if self.steps % 8 == 0:
            self.the_filters_of_the_page_say_what_the_model_says({state.number: state for state in states})

    def the_filters_of_the_page_say_what_the_model_says(self, states: Mapping[str, State]) -> None:
        model = self.model
        conditions = [
            progress_condition(name, self.office.version, self.office.now, session=self.session).label(
                name.replace(" ", "_")
            )
            for name in PROGRESS_FILTERS
        ]
        query = sa.select(Participant.organization_number, *conditions).where(
            Participant.event_id == self.office.event.id
        )
        for number, *found in self.session.execute(query):
            district = model.districts[number]
            expected = {
                "owing": bool(model.owing(district)),
                "overdue": any(model.today > model.due(district, who) for who in model.owing(district)),
                "ready to send": model.ready_to_send(district),
                "request waiting": district.round.request is not None,
                "no certifiers": district.status in OPEN and not district.certifiers,
                "certified": district.round.sent,
                "approved without everyone": district.round.approval is not None and not model.everyone(district),
                "changed since certified": bool(changes_of([states[number]], session=self.session)),
            }
            # What else can be filtered by is not of the certification: the directory, for one.
            assert {**dict(zip(PROGRESS_FILTERS, found, strict=True)), **expected} == dict(
                zip(PROGRESS_FILTERS, found, strict=True)
            )

    @invariant()
    def somebody_can_leave_the_state_it_is_in(self) -> None:
        """Tried out, and taken back, the first time a participant is seen in a state of this kind."""
        if self.model.closed:
            return
        for number, district in self.model.districts.items():
            kind = self.kind(district)
            if kind not in self.left:
                self.left.add(kind)
                self.tried_out(self.leave_by_an_act_of_the_state, number)
                if district.status in OPEN:
                    self.tried_out(self.leave_by_certifying, number)

    def kind(self, district: District) -> tuple[object, ...]:
        model, now = self.model, district.round
        able = {who for who in district.certifiers if district.people[who].has_rights}
        return (
            district.status, now.sent, now.approval is not None, len(district.rounds) > 1, now.opens_as, model.held,
            bool(district.certifiers), bool(able), bool(model.owing(district)), bool(model.owing(district) & able),
            bool(model.done(district) & able), bool(now.excused & able), model.today < model.opens,
            model.today > model.end,
        )  # fmt: skip

    def tried_out(self, leave: Callable[[str], None], number: str) -> None:
        then = self.office.now
        attempt = self.session.begin_nested()
        try:
            opening = end_moment(self.model.opens - DAY, ZONE)
            self.office.now = max(then, opening) + datetime.timedelta(hours=1)
            leave(number)
        finally:
            attempt.rollback()
            self.session.expire_all()
            self.office.now = then

    def leave_by_an_act_of_the_state(self, number: str) -> None:
        act, key, status = self.office.act(self.actors["approver"]), self.office.key, self.status(number)
        if status == WITHDRAWN:
            self.roll(number)
        elif status == APPROVED:
            service.withdraw_approval(key, [number], "Because", **act)
        else:
            service.approve(key, [number], "Because", True, **act)
        assert self.status(number) != status

    def leave_by_certifying(self, number: str) -> None:
        """The state may have to resume, extend, name somebody or give a right back; the district to take a snapshot."""
        office, act = self.office, self.office.act(self.actors["approver"])
        if self.model.held:
            resume_event(office.key, **act)
        with suppress(BadInput, Conflict):  # there may be time enough
            service.extend_due_date(office.key, [number], local_day(office.now, ZONE), "Because", **act)
        if self.model.needs_snapshot:
            self.office.world.revision(self.participant(number), "to leave")
        for _ in range(4):
            [state] = load_states([self.participant(number).id], session=self.session)
            if state.participant.status.value == SENT:
                break
            who = self.who_is_next(number, state)
            office.now += datetime.timedelta(minutes=1)
            service.submit(office.key, number, office.shown(number), **office.act(who))
        assert self.status(number) == SENT

    def who_is_next(self, number: str, state: State) -> Actor:
        """Whoever owes, else any certifier, else a successor the state names."""
        waiting = sorted(owing(state.facts)) or sorted(state.facts.certifiers)
        if not waiting:
            name = f"successor of {number}"
            person = self.office.world.person(name)
            for tool in DISTRICT_TOOLS:
                lea = self.office.adair if number == "001" else self.office.barren
                self.office.world.give(person, tool, "RWAD", lea)
            self.add(name, number, self.office.now)
            return self.office.world.actor(person)
        person = self.session.get_one(Person, waiting[0])
        self.rights(person.username, number, "RWAD")
        return self.office.world.actor(person)

    def status(self, number: str) -> str:
        self.session.flush()
        participant = self.participant(number)
        self.session.refresh(participant)
        return participant.status.value

    def number_of(self, revision_id: int | None) -> int | None:
        return self.session.get_one(Revision, revision_id).number if revision_id is not None else None
