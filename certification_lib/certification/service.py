"""The acts of certification (domain section 4): who may do what, when; each one transaction and one audit entry.

Every act takes the event's key. A district person who names an organization that is not his, or an event that is not
published to it, gets NotFound. A missing right or role is NotAllowed and names it. The wrong moment or status, also
"already …", is Conflict; a missing reason or unusable date is BadInput. `problems` of the error lists every reason.

Acts on several participants return a BulkOutcome: those it was done for, and those left out with the reason. When it
could be done for none of them, they raise Conflict with the reasons.

This is the index; each group of acts has a module of its own.
"""

from certification_lib.certification.approving import approve, withdraw_approval
from certification_lib.certification.attestation import Attestation
from certification_lib.certification.due_dates import extend_due_date, override_due_date, take_back_due_date
from certification_lib.certification.noticing import lapse_waiting_requests, note_new_revisions, tell_ready_to_send
from certification_lib.certification.outcomes import BulkOutcome, LeftOut
from certification_lib.certification.participation import record_review, send_message, withdraw_participant
from certification_lib.certification.recertification_requests import (
    decide_request,
    request_recertification_by_district,
    withdraw_request,
)
from certification_lib.certification.recertifying import request_recertification, take_back_recertification
from certification_lib.certification.setting_aside import end_set_aside, set_aside
from certification_lib.certification.submitting import submit, submit_for_all

__all__ = [
    "Attestation",
    "BulkOutcome",
    "LeftOut",
    "approve",
    "decide_request",
    "end_set_aside",
    "extend_due_date",
    "lapse_waiting_requests",
    "note_new_revisions",
    "override_due_date",
    "record_review",
    "request_recertification",
    "request_recertification_by_district",
    "send_message",
    "set_aside",
    "submit",
    "submit_for_all",
    "take_back_due_date",
    "take_back_recertification",
    "tell_ready_to_send",
    "withdraw_approval",
    "withdraw_participant",
    "withdraw_request",
]
