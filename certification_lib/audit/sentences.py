"""Each entry of the audit trail as one sentence."""

from collections.abc import Mapping
from typing import Any

from certification_lib.audit.models import AuditEntry

# What was done, before what it was done to. A test finds every act that the product writes in here.
_DONE: Mapping[str, str] = {
    "category:change": "changed the certification category",
    "category:create": "made the certification category",
    "category:delete": "deleted the certification category",
    "category:import": "imported",
    "event:ask-for-report": "asked for a report of",
    "event:assign-rule": "assigned the findings of rule",
    "event:close": "closed the event",
    "event:copy": "copied an event as",
    "event:create": "made the event",
    "event:delete": "deleted the event",
    "event:discard-draft": "discarded the draft of",
    "event:dispose": "disposed of data of",
    "event:edit": "edited the event",
    "event:end-legal-hold": "ended the legal hold on",
    "event:end-set-aside": "put into force again rule",
    "event:hold": "put on hold the event",
    "event:package": "wrote the closing package of",
    "event:pause-reminders": "paused the reminders of",
    "event:resume-reminders": "let go on the reminders of",
    "person:make-calendar": "made a calendar address for",
    "person:renew-calendar": "renewed the calendar address of",
    "person:end-calendar": "ended the calendar address of",
    "event:legal-hold": "put under legal hold the event",
    "event:publish": "published the event",
    "event:purge": "removed superseded data of",
    "event:resume": "resumed the event",
    "event:send-again": "sent again mails of",
    "event:send-message": "sent a message about",
    "event:set-aside": "set aside rule",
    "event:validate": "ran the rules:",
    "group:change": "changed the validation group",
    "group:create": "made the validation group",
    "group:delete": "deleted the validation group",
    "member:add": "listed as a member:",
    "member:change": "changed the membership:",
    "member:remove": "took off the list:",
    "organization:add": "added the organization",
    "organization:change": "changed the organization",
    "organization:import": "imported",
    "participant:accept-request": "accepted the recertification request of",
    "participant:approve": "approved the certification of",
    "participant:ask-for-recertification": "asked the state for recertification:",
    "participant:deny-request": "denied the recertification request of",
    "participant:download": "downloaded",
    "participant:extend-due-date": "extended the due date of",
    "participant:override-due-date": "gave a due date of his own to",
    "participant:request-recertification": "requested recertification of",
    "participant:review": "recorded a review of",
    "participant:submit": "submitted the certification of",
    "participant:take-back-due-date": "took back the due date of",
    "participant:take-back-recertification": "took back the recertification of",
    "participant:withdraw": "withdrew the participant",
    "participant:withdraw-approval": "withdrew the approval of",
    "participant:withdraw-request": "withdrew the recertification request of",
    "webhook:add": "added the webhook",
    "webhook:pause": "paused the webhook",
    "webhook:resume": "let go on the webhook",
    "webhook:test": "tested the webhook",
    "webhook:remove": "removed the webhook",
    "person:add": "added the person",
    "person:change": "changed the person",
    "person:import": "imported",
    "right:set": "set the rights on",
    "role:give": "named as",
    "role:take": "took away the role",
    "rule:archive": "archived the rule",
    "rule:change": "changed the rule",
    "rule:create": "wrote the rule",
    "rule:unarchive": "took out of the archive the rule",
    "rules:synchronize": "loaded",
    "snapshot:complete": "completed",
    "snapshot:fail": "could not complete",
    "snapshot:request": "asked for",
    "totals:load": "loaded",
}
_FIELD_WORDS = {
    "username": "user name",
    "due_date": "due date",
    "active": "active",
    "reason": "reason",
    "comment": "comment",
    "before": "before",
    "after": "after",
}


def done_in_words(act: str) -> str:
    """What was done, for an act; one that is not in the list is taken apart as it is written."""
    subject, _, verb = act.partition(":")
    if act not in _DONE and subject == "event":
        return f"announced “{verb}” of"  # milestones are recorded by their names
    return _DONE.get(act) or f"{verb.replace('-', ' ')} ({subject})"


def act_in_words(act: str) -> str:
    """The act as an option of a filter."""
    words = done_in_words(act).rstrip(":")
    return words[0].upper() + words[1:]


def is_known(act: str) -> bool:
    """Whether the list has the act."""
    return act in _DONE


def sentence(entry: AuditEntry, organization: str | None = None) -> str:
    """`Pat Smith submitted the certification of Adair County in Fall Enrollment Count.`

    `organization` is added where the subject does not name it.
    """
    place = f", for {organization}" if organization and organization not in entry.subject else ""
    way = f", as {entry.operating_system_user} on the machine" if entry.operating_system_user else ""
    return f"{entry.actor_name} {done_in_words(entry.act)} {entry.subject}{place}{way}."


def details_in_words(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The details as pairs of label and value; long lists are counted, what is empty is left out."""
    return [(_label(name), _value(value)) for name, value in details.items() if value not in (None, "", [], {})]


def _label(name: str) -> str:
    words = _FIELD_WORDS.get(name, name.replace("_", " "))
    return words[0].upper() + words[1:]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        shown = ", ".join(_value(one) for one in value[:8])
        return shown if len(value) <= 8 else f"{shown} and {len(value) - 8} more"
    if isinstance(value, dict):
        return "; ".join(f"{_label(str(name)).lower()}: {_value(one)}" for name, one in list(value.items())[:8])
    return str(value)
