"""The Event Report as tables: the one form that spreadsheets, documents and papers are written from."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from certification_lib.reports.event_report import EventReport, Header, ParticipantLine, PersonLine

Cell: TypeAlias = str | int | datetime.date | datetime.datetime | None


@dataclass(frozen=True)
class Table:
    """A part of the report. Moments are on the state's clock."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


PARTICIPANT_COLUMNS = (
    "Number", "Name", "LEA number", "LEA", "Status", "Certification", "Certified", "Certifiers", "Round",
    "Snapshot Date", "Timeliness", "Due date", "Extended by", "Reason of extension", "Approved at", "Approved by",
    "Reason of approval", "Errors", "Warnings", "Information", "Could not run", "Rules set aside", "Withdrawn at",
    "Reason of withdrawal",
)  # fmt: skip
PERSON_COLUMNS = (
    "Participant number", "Participant", "Name", "Title", "Role", "User Status", "Certified at", "Note", "Timeliness",
    "Due date", "Extended by", "Reason of extension",
)  # fmt: skip


def tables(report: EventReport) -> list[Table]:
    """Every part in order; withdrawn participants and their people apart, and only when there are any."""
    parts = [
        *front(report),
        _participants("Participant Detail", report.participants),
        _people("People", report.participants),
    ]
    if report.withdrawn:
        parts += [
            _participants("Withdrawn Participants", report.withdrawn),
            _people("People of Withdrawn", report.withdrawn),
        ]
    return parts


def front(report: EventReport) -> list[Table]:
    """What stands before the participants."""
    return [
        Table("Header", ("Field", "Value"), header_rows(report.header)),
        Table(
            "Totals",
            ("Number of", "All participants", "Without those approved uncertified"),
            [(one.of, one.all_participants, one.without_uncertified_approvals) for one in report.totals],
        ),
        Table("State Detail", ("Name", "Title", "Role", "Status", "State Staff ID", "E-mail"), _plain(report.staff)),
        Table(
            "Rules Set Aside",
            ("Rule", "Participant", "Reason", "Set aside by", "Set aside at"),
            [
                (one.rule, one.participant or "all participants", one.reason, one.set_aside_by, one.set_aside_at)
                for one in report.rules_set_aside
            ],
        ),
    ]


def header_rows(header: Header) -> list[tuple[str, Cell]]:
    """What the report is of, line by line."""
    return [
        ("Event", header.event_name),
        ("Category", header.category),
        ("Level", header.level),
        ("School Year", header.school_year),
        ("Event status", header.event_status),
        ("Event Start Date", header.start_date),
        ("Certification Opens", header.opens_date),
        ("Event End Date", header.end_date),
        ("Count Date", header.count_date),
        ("Snapshot available", header.snapshot_available or "not yet"),
        ("State", header.state_name),
        ("Days and times", header.time_zone),
        ("Made at", header.made_at),
        ("Made by", header.made_by),
        ("Statuses", ", ".join(header.statuses) or "all"),
        ("Participants", ", ".join(header.participants) or "all"),
        ("Reviewers", "included" if header.include_reviewers else "not included"),
    ]


def _plain(lines: Iterable[object]) -> list[tuple[Cell, ...]]:
    return [tuple(getattr(line, one.name) for one in fields(line)) for line in lines]  # type: ignore[arg-type]


def _participants(name: str, lines: Sequence[ParticipantLine]) -> Table:
    return Table(name, PARTICIPANT_COLUMNS, [participant_row(line) for line in lines])


def participant_row(line: ParticipantLine) -> tuple[Cell, ...]:
    """The cells under PARTICIPANT_COLUMNS."""
    cells = (getattr(line, one.name) for one in fields(line) if one.name != "people")
    return tuple(", ".join(cell) if isinstance(cell, tuple) else cell for cell in cells)


def _people(name: str, lines: Sequence[ParticipantLine]) -> Table:
    rows = [(line.number, line.name, *person_row(person)) for line in lines for person in line.people]
    return Table(name, PERSON_COLUMNS, rows)


def person_row(person: PersonLine) -> tuple[Cell, ...]:
    """The cells under PERSON_COLUMNS, without the participant's."""
    return tuple(getattr(person, one.name) for one in fields(person))
