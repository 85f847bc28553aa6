"""The Event Report in the words of a document for people: what PDF and DOCX say alike."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from certification_lib.reports.event_report import EventReport, ParticipantLine, PersonLine
from certification_lib.reports.tables import Cell, Table, front

PARTICIPANT_HEAD = ("Participant", "Certification", "People")


@dataclass(frozen=True)
class Block:
    """A participant as three cells, each of several lines."""

    participant: list[str]
    certification: list[str]
    people: list[str]

    @property
    def cells(self) -> tuple[list[str], list[str], list[str]]:
        return self.participant, self.certification, self.people


def front_tables(report: EventReport) -> list[Table]:
    """Header, totals, staff and rules set aside, every cell in words."""
    parts = [table for table in front(report) if table.rows]
    return [Table(one.name, one.columns, [[in_words(cell) for cell in row] for row in one.rows]) for one in parts]


def blocks(lines: Sequence[ParticipantLine], report: EventReport) -> list[Block]:
    """Participants with their people; a due date is told where it is not Event End."""
    return [_block(line, report) for line in lines]


def in_words(cell: Cell) -> str:
    """Oct 31, 2016 and Oct 31, 2016, 8:00 AM."""
    if isinstance(cell, datetime.datetime):
        clock = f"{cell.hour % 12 or 12}:{cell:%M} {'AM' if cell.hour < 12 else 'PM'}"
        return f"{in_words(cell.date())}, {clock}"
    if isinstance(cell, datetime.date):
        return f"{cell:%b} {cell.day}, {cell.year}"
    return f"{cell:,}" if isinstance(cell, int) else cell or "–"


def _block(line: ParticipantLine, report: EventReport) -> Block:
    name = [line.number, line.name]
    if line.lea_number != line.number:
        name.append(f"of {line.lea_name} ({line.lea_number})")
    said = [line.status if line.status.endswith("certified") else f"{line.status}, {line.certification}"]
    said.append(f"Round {line.round}" + (f", {line.timeliness}" if line.timeliness else ""))
    if line.snapshot_date:
        said.append(f"Snapshot Date {in_words(line.snapshot_date)}")
    if line.due_date:
        said.append(_extension(line.due_date, line.extended_by, line.extension_reason))
    if line.approved_at:
        reason = f": {line.approval_reason}" if line.approval_reason else ""
        said.append(f"Approved {in_words(line.approved_at)} by {line.approved_by}{reason}")
    found = [(line.errors, "errors"), (line.warnings, "warnings"), (line.information, "for information")]
    counted = ", ".join(f"{count:,} {what}" for count, what in found if count)
    said += [f"Findings: {counted}"] if counted else []
    said += [f"Could not run: {', '.join(line.could_not_run)}"] if line.could_not_run else []
    said += [f"Rules set aside: {', '.join(line.rules_set_aside)}"] if line.rules_set_aside else []
    if line.withdrawn_at:
        said.append(f"Withdrawn {in_words(line.withdrawn_at)}: {line.withdrawn_reason or 'by a republish'}")
    people = [_person(one, line, report) for one in line.people]
    return Block(name, said, people or ["no certifiers"])


def _person(person: PersonLine, line: ParticipantLine, report: EventReport) -> str:
    title = f", {person.title}" if person.title else ""
    said = [f"{person.name}{title} ({person.role}): {person.user_status}"]
    if person.certified_at:
        late = f", {person.timeliness}" if person.timeliness and person.timeliness != line.timeliness else ""
        said.append(f"certified {in_words(person.certified_at)}{late}")
    if person.note:
        said.append(person.note)
    own = person.due_date and person.due_date not in {report.header.end_date, line.due_date}
    if own:
        said.append(_extension(person.due_date, person.extended_by, person.extension_reason))
    return "; ".join(said)


def _extension(due: datetime.date | None, by: str | None, reason: str | None) -> str:
    return f"due {in_words(due)}, extended by {by}: {reason}"
