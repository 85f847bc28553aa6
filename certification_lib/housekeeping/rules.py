"""The steps of housekeeping, and when one of them has been silent for too long. No input, no output, no clock."""

import datetime
import enum
from dataclasses import dataclass

from certification_lib.housekeeping.models import StepOutcome

_OFTEN = datetime.timedelta(minutes=30)
_NIGHTLY = datetime.timedelta(hours=26)
CHECK_AUDIT_CHAIN = "check_audit_chain"


class Standing(enum.StrEnum):
    """How a step stands, in the words of the page."""

    WELL = "well"
    FAILED = "failed"
    SILENT = "silent"
    NEVER = "not run yet"


@dataclass(frozen=True)
class Step:
    """A step that runs by itself. `name` is that of its task in Airflow, `patience` how long it may be silent."""

    name: str
    title: str
    what: str
    dag_id: str
    patience: datetime.timedelta


STEPS = (
    Step(
        "deliver_messages",
        "Mail",
        "Sends the messages that wait; how each mail fares is on the page of the deliveries",
        "certification_mail",
        _OFTEN,
    ),
    Step(
        "tell_webhooks",
        "Webhooks",
        "Tells the state's other systems of every status",
        "certification_mail",
        _OFTEN,
    ),
    Step(
        "mend_manifests",
        "Manifests",
        "Compares what Airflow parses with the database and writes anew what is missing or differs",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "forgotten_requests",
        "Forgotten requests",
        "Starts snapshots and validations that somebody asked for and no run has begun",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "forgotten_reports",
        "Reports",
        "Starts reports and closing packages that no run has begun, and removes reports past their time",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "late_events",
        "Late milestones",
        "Starts events whose milestones nobody did in time, cleanup snapshots among them",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "snapshots_get_on",
        "Waiting snapshots",
        "Looks whether snapshots wait although none is being taken",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "own_reminders",
        "Own due dates",
        "Reminds people whose due date is not Event End",
        "certification_housekeeping",
        _OFTEN,
    ),
    Step(
        "remove_what_is_past_its_days",
        "Retention",
        "Removes superseded revisions past their event's days, what was disposed of, and leftovers",
        "certification_retention",
        _NIGHTLY,
    ),
    Step(
        "verify_a_sample",
        "Digests",
        "Computes the digests of some stored data again and compares them with those that were signed",
        "certification_audit_check",
        _NIGHTLY,
    ),
    Step(
        CHECK_AUDIT_CHAIN,
        "Audit trail",
        "Proves that no entry of the audit trail was changed or removed",
        "certification_audit_check",
        _NIGHTLY,
    ),
)


def standing(
    step: Step, *, outcome: StepOutcome | None, ended_at: datetime.datetime | None, now: datetime.datetime
) -> Standing:
    """A failure stands until the step goes well; a step that says nothing is no better than one that fails."""
    if outcome is None or ended_at is None:
        return Standing.NEVER
    if outcome is StepOutcome.FAILED:
        return Standing.FAILED
    return Standing.SILENT if ended_at < now - step.patience else Standing.WELL
