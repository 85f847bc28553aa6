"""What each kind of message is called where people choose among them."""

DAILY_MAIL = "daily_reminders"
"""The mail in which gathered messages go out. It stands in no Message Center: they do."""
ESCALATION = "escalation"
WAITS_FOR_STATE = "waits_for_state"

KIND_WORDS = {
    "approval_withdrawn": "Approval withdrawn",
    "approved": "Approved",
    "category_published": "Name your people",
    "certified": "Certification sent to state",
    "could_not_run": "A rule could not run",
    "daily_reminders": "Mail of the day",
    "due_date_given": "New due date",
    "due_date_taken_back": "Due date taken back",
    "escalation": "Escalation",
    "event_changed": "Event changed",
    "event_closed": "Event closed",
    "event_closed_state": "Event closed",
    "event_held": "Event on hold",
    "event_resumed": "Event goes on",
    "findings_ready": "Findings ready",
    "member_added": "Members changed",
    "member_changed": "Members changed",
    "member_removed": "Members changed",
    "members_changed": "Members changed",
    "message_from_state": "Message from the state",
    "milestone_late": "Something is late",
    "one_certified": "A certifier has certified",
    "overdue": "Overdue notice",
    "own_snapshot_left_alone": "Own snapshot",
    "own_snapshot_ready": "Own snapshot",
    "participant_withdrawn": "Participant withdrawn",
    "published": "Event published",
    "published_contact": "Event published",
    "published_state": "Event published",
    "ready_to_send": "Ready to send",
    "recertification_requested": "Recertification request",
    "recertification_taken_back": "Recertification taken back",
    "reminder": "Reminder",
    "report_failed": "Report",
    "report_ready": "Report",
    "request_accepted": "Request accepted",
    "request_answered_by_approval": "Request answered",
    "request_denied": "Request denied",
    "request_withdrawn": "Request withdrawn",
    "rule_assigned": "Rule assigned to you",
    "rule_counts_again": "Rule counts again",
    "rule_set_aside": "Rule set aside",
    "sent_back": "Recertification",
    "snapshot_failed": "Snapshot failed",
    "still_open": "Event still open",
    "submission_no_longer_counts": "Submission no longer counts",
    "waits_for_state": "Waiting for the state",
    "window_ended": "Event ended",
    "window_opened": "Certification opens",
}


def kind_in_words(kind: str) -> str:
    """The words for a kind; one that has none yet is named as it is."""
    return KIND_WORDS.get(kind) or kind.replace("_", " ").capitalize()
