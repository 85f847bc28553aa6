"""Reads the certification report of one participant, for the state and for its own people."""

import datetime
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.certification.evidence import COULD_NOT_RUN, rules_set_aside
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import members_of_participants
from certification_lib.certification.models import Round, Submission
from certification_lib.certification.rules import certified_people, progress, state_words
from certification_lib.certification.views import dates_of, revision_views, shown_revision_id
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.people.models import Organization, OrganizationKind, Tool
from certification_lib.people.queries import holds, state_organization
from certification_lib.reports.certification_report import CertificationReport, RuleFindings, Signature, ViewData
from certification_lib.reports.people_lines import local, names_of, person_lines, signings_of
from certification_lib.reports.shown_totals import ViewTotals, shown_totals
from certification_lib.reports.small_cells import TotalsOfView, all_shown, without_small
from certification_lib.rulebook.models import Severity
from certification_lib.settings import load_settings
from certification_lib.snapshots.models import RevisionView
from certification_lib.validation.queries import results_of_revision


def certification_report(
    key: str,
    number: str,
    *,
    for_the_public: bool = False,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> CertificationReport:
    """The report for the state's staff. The caller has checked the right Read on Event Report.

    Small numbers are shown to who may open the rows behind them, members of the category for the state, unless it is
    made `for_the_public`; to nobody else.
    """
    found = _found(key, number, session)
    exact = not for_the_public and _opens_rows(found[2], actor, session)
    return _report(found, exact=exact, session=session, actor=actor, now=now)


def own_certification_report(
    key: str,
    number: str,
    *,
    for_the_public: bool = False,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> CertificationReport:
    """The report for the participant's own people, also of a closed event; NotFound for everybody else."""
    found = _found(key, number, session)
    event, version, _, participant = found
    own = members_of_participants().where(Participant.id == participant.id, Member.person_id == actor.person_id)
    mine = session.execute(own.limit(1)).first() is not None
    may = holds(
        Tool.CERTIFICATION_EVENT,
        "R",
        session=session,
        person_id=actor.person_id or 0,
        organization_id=participant.lea_id,
    )
    zone = ZoneInfo(state_organization(session=session).time_zone or "UTC")
    started = event.status is EventStatus.CLOSED or _has_started(version, now, zone)
    if not (mine and may and started) or participant.withdrawn_at is not None:
        raise _nothing(key, number)
    return _report(found, exact=not for_the_public, session=session, actor=actor, now=now)


def _has_started(version: EventVersion, now: datetime.datetime, zone: ZoneInfo) -> bool:
    return version.start_date is not None and now.astimezone(zone).date() >= version.start_date


def _nothing(key: str, number: str) -> NotFound:
    return NotFound(f"There is no event {key} for organization {number}.")


def _found(key: str, number: str, session: Session) -> tuple[Event, EventVersion, Category, Participant]:
    query = (
        sa.select(Event, EventVersion, Category, Participant)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(Category, Category.id == EventVersion.category_id)
        .join(Participant, Participant.event_id == Event.id)
        .where(Event.key == key, Participant.organization_number == number)
    )
    row = session.execute(query).first()
    if row is None:
        raise _nothing(key, number)
    return row[0], row[1], row[2], row[3]


def _opens_rows(category: Category, actor: Actor, session: Session) -> bool:
    """Members of the category for the state may open student rows; the command line works for the state itself."""
    if actor.person_id is None:
        return True
    query = (
        sa.select(Member.id)
        .join(Organization, Organization.id == Member.organization_id)
        .where(
            Member.category_id == category.id,
            Member.person_id == actor.person_id,
            Member.removed_at.is_(None),
            Organization.kind == OrganizationKind.STATE,
        )
    )
    return session.scalar(query.limit(1)) is not None


def _report(
    found: tuple[Event, EventVersion, Category, Participant],
    *,
    exact: bool,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> CertificationReport:
    event, version, category, participant = found
    [state] = load_states([participant.id], session=session)
    organization = state_organization(session=session)
    dates = dates_of(version, ZoneInfo(organization.time_zone or "UTC"), now)
    done, approval = progress(state.facts), state.approval
    names = names_of([state], (), session=session)
    revision_id = participant.certified_revision_id or participant.official_revision_id or shown_revision_id(state)
    shown = revision_views([revision_id], version.id, session=session).get(revision_id or 0)
    limit = None if exact else load_settings().small_numbers_below
    totals = _totals(shown.row_counts, shown.totals, version.count_date, session) if shown else []
    amounts = all_shown(totals) if limit is None else without_small(totals, limit)
    return CertificationReport(
        event_key=event.key,
        event_name=version.name,
        event_status=event.status.value,
        category=category.name,
        level=version.level.value,
        school_year=f"{version.reporting_year - 1}-{version.reporting_year % 100:02d}",
        count_date=version.count_date,
        opens_date=version.opens_date,
        end_date=version.end_date,
        number=state.number,
        name=state.name,
        lea_number=participant.lea_number,
        lea_name=participant.lea_name,
        status=state_words(state.facts),
        certified=done.certified,
        certifiers=done.certifiers,
        round=state.round.number,
        withdrawn_at=local(participant.withdrawn_at, dates.zone),
        withdrawn_reason=participant.withdrawn_reason,
        statement=version.statement,
        approved_at=local(approval.approved_at, dates.zone) if approval else None,
        approved_by=names.get(approval.approved_by, approval.approved_by) if approval else None,
        approval_reason=approval.reason if approval else None,
        is_certified_data=participant.certified_revision_id is not None,
        revision=shown.number if shown else None,
        snapshot_date=local(shown.source_as_of, dates.zone) if shown else None,
        digest=shown.digest if shown else None,
        data=_data(revision_id, amounts, session),
        totals=tuple(amounts),
        findings=_findings(event.id, participant.id, revision_id, session),
        signatures=_signatures(state, dates.zone, session),
        people=tuple(
            one
            for one in person_lines(
                state, dates, signings_of([state.round.id], session=session), names, include_reviewers=False
            )
            if one.role == CategoryRole.CERTIFIER.value
        ),
        small_numbers_below=limit,
        state_name=organization.name,
        time_zone=dates.zone.key,
        made_at=now.astimezone(dates.zone),
        made_by=actor.name,
    )


def _totals(
    row_counts: dict[str, int], totals: dict[str, object], count_date: datetime.date | None, session: Session
) -> list[ViewTotals]:
    schools = {number for view in totals.values() for number in _schools(view)}
    query = sa.select(Organization.number, Organization.name).where(Organization.number.in_(schools))
    names = {row.number: row.name for row in session.execute(query)} if schools else {}
    return shown_totals(row_counts, totals, names, count_date)


def _schools(totals: object) -> list[str]:
    by = (totals or {}).get("by") if isinstance(totals, dict) else None
    return list((by or {}).get("school_id", {}))


def _data(revision_id: int | None, amounts: Sequence[TotalsOfView], session: Session) -> tuple[ViewData, ...]:
    """Rows as the totals show them, or do not."""
    rows = {one.view: one.rows for one in amounts}
    query = (
        sa.select(RevisionView.view, RevisionView.digest)
        .where(RevisionView.revision_id == revision_id)
        .order_by(RevisionView.view)
    )
    return tuple(ViewData(view, rows.get(view), digest) for view, digest in session.execute(query))


def _findings(
    event_id: int, participant_id: int, revision_id: int | None, session: Session
) -> tuple[RuleFindings, ...]:
    if revision_id is None:
        return ()
    aside = {one.code: one.reason for one in rules_set_aside(event_id, participant_id, session=session)}
    return tuple(
        RuleFindings(one.code, one.title, one.severity.value, one.finding_count, aside.get(one.code))
        for one in results_of_revision(revision_id, session=session)
    )


def _signatures(state: State, zone: ZoneInfo, session: Session) -> tuple[Signature, ...]:
    """Every submission of every round, oldest first."""
    query = (
        sa.select(Submission, Round.number)
        .join(Round, Round.id == Submission.round_id)
        .where(Round.participant_id == state.participant.id)
        .order_by(Submission.submitted_at, Submission.id)
    )
    rows: Sequence[sa.Row[Submission, int]] = session.execute(query).all()
    last = {row[0].person_id: row[0].id for row in rows if row[0].round_id == state.round.id}
    standing = {last[person_id] for person_id in certified_people(state.facts) if person_id in last}
    return tuple(_signature(one, number, one.id in standing, zone) for one, number in rows)


def _signature(one: Submission, number: int, stands: bool, zone: ZoneInfo) -> Signature:
    return Signature(
        round=number,
        name=one.person_name,
        title=one.person_title,
        organization=f"{one.organization_name} ({one.organization_number})",
        signed_at=one.submitted_at.astimezone(zone),
        timeliness=one.timeliness.value,
        channel=one.channel.value,
        revision=one.revision_number,
        digest=one.digest,
        statement_version=one.statement_version,
        errors=one.findings.get(Severity.ERROR.value, 0),
        warnings=one.findings.get(Severity.WARNING.value, 0),
        information=one.findings.get(Severity.INFO.value, 0),
        could_not_run=tuple(one.findings.get(COULD_NOT_RUN, ())),
        stands=stands,
        nil_return=one.nil_return,
        reason_without_change=one.reason_without_change,
    )
