"""The totals of an Event Report, with and without participants approved although not everyone had certified."""

from collections.abc import Callable, Sequence

from certification_lib.certification.models import Timeliness
from certification_lib.events.models import ParticipantStatus
from certification_lib.reports.event_report import NOT_CERTIFIED_BY_END, ParticipantLine, Total

_STATUSES = (
    ParticipantStatus.IN_PROGRESS.value,
    "Certified",
    ParticipantStatus.APPROVED.value,
    ParticipantStatus.REQUESTED.value,
    ParticipantStatus.RECERTIFYING.value,
)


def _has(status: str) -> Callable[[ParticipantLine], int]:
    """Whether the line has the status, be it approved with everyone or not."""
    if status == ParticipantStatus.APPROVED:
        return lambda line: line.status == status or line.status.startswith("Approved, ")
    return lambda line: line.status == status


def approved_without_everyone(line: ParticipantLine) -> bool:
    """Approved, and at least one certifier had not certified, or there was none."""
    return line.approved_at is not None and not (line.certifiers and line.certified >= line.certifiers)


_COUNTED: dict[str, Callable[[ParticipantLine], int]] = {
    "Participants": lambda _: 1,
    **{f"Status {status}": _has(status) for status in _STATUSES},
    "Approved without everyone's certification": approved_without_everyone,
    "Certifiers who certified": lambda line: line.certified,
    "Certifiers asked": lambda line: line.certifiers,
    "Certified on time": lambda line: line.timeliness == Timeliness.ON_TIME,
    "Certified within an extension": lambda line: line.timeliness == Timeliness.WITHIN_EXTENSION,
    "Not certified by End": lambda line: line.timeliness == NOT_CERTIFIED_BY_END,
    "Findings: errors": lambda line: line.errors,
    "Findings: warnings": lambda line: line.warnings,
    "Findings: for information": lambda line: line.information,
    "Participants for whom a rule could not run": lambda line: bool(line.could_not_run),
}


def totals_of(standing: Sequence[ParticipantLine], withdrawn: Sequence[ParticipantLine]) -> tuple[Total, ...]:
    """Withdrawn participants count on their own line only."""
    certified = [line for line in standing if not approved_without_everyone(line)]
    totals = [
        Total(of, sum(int(count(line)) for line in standing), sum(int(count(line)) for line in certified))
        for of, count in _COUNTED.items()
    ]
    return (*totals, Total("Withdrawn participants, not counted above", len(withdrawn), len(withdrawn)))
