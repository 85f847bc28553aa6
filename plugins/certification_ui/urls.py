"""Every address of the plugin, in one place. None of them ever holds a student's id or name: access logs keep them."""

from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection

HOME = "/"
SIGN_IN = "/sign-in/"
SIGN_OUT = "/sign-out"

EVENTS = "/events/"
NEW_EVENT = "/new-event"
IMPORT_EVENT = "/import-event"
EVENT = "/events/{key}/"
EDIT_EVENT = "/events/{key}/edit"
EVENT_FILE = "/events/{key}/event.yaml"
COPY_EVENT = "/events/{key}/copy"
DELETE_EVENT = "/events/{key}/delete"
DISCARD_DRAFT = "/events/{key}/discard-draft"
PUBLISH_EVENT = "/events/{key}/publish"
HOLD_EVENT = "/events/{key}/hold"
RESUME_EVENT = "/events/{key}/resume"
KEEPING = "/events/{key}/keeping"
LEGAL_HOLD = "/events/{key}/legal-hold"
END_LEGAL_HOLD = "/events/{key}/end-legal-hold"
DISPOSE = "/events/{key}/dispose"
CLOSE_EVENT = "/events/{key}/close"
TAKE_SNAPSHOT = "/events/{key}/snapshots"
SNAPSHOT = "/events/{key}/snapshots/{snapshot_id}"
RUN_RULES = "/events/{key}/validation-runs"
APPROVE = "/events/{key}/approve"
ASK_AGAIN = "/events/{key}/request-recertification"
WITHDRAW_APPROVAL = "/events/{key}/withdraw-approval"
TAKE_BACK_RECERTIFICATION = "/events/{key}/take-back-recertification"
SEND_MESSAGE = "/events/{key}/message"
EXTEND = "/events/{key}/extend-due-date"
DUE_DATES = "/events/{key}/due-dates"
TAKE_BACK_DUE_DATE = "/events/{key}/take-back-due-date"
OVERRIDE = "/events/{key}/participants/{number}/due-dates/{username}"
WITHDRAW_PARTICIPANT = "/events/{key}/participants/{number}/withdraw"
REVIEW = "/events/{key}/participants/{number}/review"
PARTICIPANT = "/events/{key}/participants/{number}/"
DECIDE_REQUEST = "/events/{key}/participants/{number}/decide-request"
PARTICIPANT_CHANGES = "/events/{key}/participants/{number}/changes"
PARTICIPANT_FINDINGS = "/events/{key}/participants/{number}/findings/{code}"
PARTICIPANT_FINDINGS_FILE = "/events/{key}/participants/{number}/findings-file"
MATRIX = "/events/{key}/findings/"
MATRIX_FILE = "/events/{key}/findings-file"
VALIDATION_RUN = "/events/{key}/validation-runs/{run_id}"

CHANGED_RULES = "/events/{key}/changed-rules"
SET_ASIDE = "/events/{key}/set-aside"
END_SET_ASIDE = "/events/{key}/set-aside/end"

RULES = "/rules/"
NEW_RULE = "/new-rule"
RULE = "/rules/{code}/"
EDIT_RULE = "/rules/{code}/edit"
PREVIEW_RULE = "/rules/{code}/preview"
ARCHIVE_RULE = "/rules/{code}/archive"
GROUPS = "/validation-groups/"
NEW_GROUP = "/new-validation-group"
GROUP = "/validation-groups/{group_id}/"
EDIT_GROUP = "/validation-groups/{group_id}/edit"
DELETE_GROUP = "/validation-groups/{group_id}/delete"
SUITE = "/validation-groups/{group_id}/suites/{view}.json"
IMPORT_SUITE = "/import-suite"

EVENT_OF_DAG = "/airflow/dags/{dag_id}"
RUN_OF_DAG = "/airflow/dags/{dag_id}/runs/{run_id}"

OWN_EVENTS = "/my-events/"
OWN_EVENT = "/my-events/{key}/{number}/"
OWN_CHANGES = "/my-events/{key}/{number}/changes"
OWN_WORKLIST = "/my-events/{key}/{number}/findings/"
OWN_FINDINGS = "/my-events/{key}/{number}/findings/{code}"
OWN_FINDINGS_SEARCH = "/my-events/{key}/{number}/findings-search"
OWN_FINDINGS_FILE = "/my-events/{key}/{number}/findings-file"
ASSIGN_RULE = "/my-events/{key}/{number}/findings/{code}/work"
CHECK_OWN_DATA = "/my-events/{key}/{number}/check"
SUBMIT = "/my-events/{key}/{number}/submit"
REQUEST_RECERTIFICATION = "/my-events/{key}/{number}/request-recertification"
WITHDRAW_REQUEST = "/my-events/{key}/{number}/withdraw-request"
OWN_SNAPSHOT = "/my-events/{key}/{number}/snapshot"
OWN_ROWS = "/my-events/{key}/{number}/data/{view}"
OWN_ROWS_FILE = "/my-events/{key}/{number}/data/{view}/file"
RECEIPT = "/receipts/{receipt_id}"
RECEIPT_PDF = "/receipts/{receipt_id}/receipt.pdf"
VERIFY = "/verify/{digest}"

MESSAGES = "/messages/"
READ_MESSAGE = "/messages/{message_id}/read"

# Set by the guard: the path under which Airflow mounted the application, with the base path of a proxy before it.
ROOT = "certification.root"


def path(connection: HTTPConnection, pattern: str, **values: str | int) -> str:
    """The absolute path of a page, with every value percent-encoded."""
    encoded = {name: quote(str(value), safe="") for name, value in values.items()}
    return f"{connection.scope.get(ROOT, '')}{pattern.format(**encoded)}"


def safe_next(connection: HTTPConnection, wanted: str | None) -> str:
    """Where to go after signing in: a path of this plugin, never another site's address."""
    home = path(connection, HOME)
    if not wanted or not wanted.startswith(home) or wanted.startswith("//") or "\\" in wanted:
        return home
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or any(ord(character) < 32 for character in wanted):
        return home
    return wanted
