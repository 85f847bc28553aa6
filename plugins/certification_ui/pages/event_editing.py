"""Copies, deleting, publishing and closing of events. Whatever is final asks first."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from certification_lib.certification.changed_rules import changed_rules
from certification_lib.certification.closing import Unfinished, close_event, unfinished
from certification_lib.certification.publication_preview import publication_preview
from certification_lib.certification.publication_problems import problems_of_draft
from certification_lib.certification.publishing import publish_event
from certification_lib.certification.queries import who_would_sign_again
from certification_lib.certification.taking import request_snapshot
from certification_lib.errors import BadInput, CertificationError, Conflict, NotFound
from certification_lib.events.models import EventStatus
from certification_lib.events.queries import content_of, event_by_key, event_head, shown_version
from certification_lib.events.service import copy_event, delete_event, discard_draft, import_event
from certification_lib.events.written import written_event
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.models import SnapshotKind
from certification_ui import urls
from certification_ui.after_commit import tell_airflow_of_event
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
_LARGEST_FILE = 2_000_000
add = right(Tool.EVENT_MANAGEMENT, Right.ADD)
view = right(Tool.EVENT_MANAGEMENT, Right.READ)
write = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
delete = right(Tool.EVENT_MANAGEMENT, Right.DELETE)


@router.get(urls.PUBLISH_EVENT, dependencies=[add])
def ask_to_publish(visit: VisitOfRequest, key: str) -> Response:
    return _publish_page(visit, key, Form())


@router.post(urls.PUBLISH_EVENT, dependencies=[add])
def publish(visit: VisitOfRequest, key: str) -> Response:
    form = Form()
    try:
        publish_event(key, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _publish_page(visit, key, form)
    told = tell_airflow_of_event(key, session=visit.session)
    notice = "Published. Participants are being told."
    if not told:
        notice += " Airflow takes it up within a minute."
    return visit.go(urls.EVENT if visit.visitor.views_events else urls.EVENTS, notice, key=key)


def _publish_page(visit: Visit, key: str, form: Form) -> Response:
    event = event_by_key(key, session=visit.session)
    version = shown_version(event, session=visit.session)
    has_draft = event.draft_version_id is not None
    return visit.page(
        "events/publish.html",
        status=form.status,
        in_the_way=problems_of_draft(key, session=visit.session, now=visit.now) if has_draft else [],
        event=event,
        version=version,
        shown=event_head(key, session=visit.session, now=visit.now),
        content=content_of(version, active=event.active, session=visit.session),
        preview=publication_preview(key, session=visit.session, now=visit.now) if has_draft else None,
        changed=changed_rules(key, session=visit.session),
        **form.shown(),
    )


@router.get(urls.EVENT_FILE, dependencies=[view])
def event_file(visit: VisitOfRequest, key: str) -> Response:
    text = written_event(key, session=visit.session)
    disposition = f'attachment; filename="{key}.yaml"'
    return Response(text, media_type="application/yaml", headers={"Content-Disposition": disposition})


@router.get(urls.IMPORT_EVENT, dependencies=[add])
def ask_for_file(visit: VisitOfRequest) -> Response:
    return visit.page("events/import.html", **Form({"text": ""}).shown())


@router.post(urls.IMPORT_EVENT, dependencies=[add])
def import_file(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = fields_of(sent, ("text",))
    try:
        form.values["text"] = _text_of_file(sent.get("file")) or form.text("text")
        form.require("text", "Choose a file or paste the text of one.")
        if not form.problems:
            event = import_event(form.text("text"), **visit.act)
            where = urls.EVENT if visit.visitor.views_events else urls.EVENTS
            return visit.go(where, "Imported. Nothing is published yet.", key=event.key)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
    return visit.page("events/import.html", status=form.status, **form.shown())


def _text_of_file(upload: object) -> str:
    if not isinstance(upload, UploadFile) or not upload.filename:
        return ""
    held = upload.file.read(_LARGEST_FILE + 1)
    try:
        if len(held) <= _LARGEST_FILE:
            return held.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise BadInput("The file is no text of at most two megabytes.")


@router.get(urls.COPY_EVENT, dependencies=[add])
def ask_to_copy(visit: VisitOfRequest, key: str) -> Response:
    return _confirm_page(visit, key, "copy", Form())


@router.post(urls.COPY_EVENT, dependencies=[add])
def copy(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    made = copy_event(key, corrects=bool(sent.get("corrects")), **visit.act)
    if visit.visitor.edits_events:
        return visit.go(urls.EDIT_EVENT, "Copied. Give it its dates, then save.", key=made.key)
    return visit.go(urls.EVENTS, "Copied.")


@router.get(urls.DELETE_EVENT, dependencies=[delete])
def ask_to_delete(visit: VisitOfRequest, key: str) -> Response:
    return _confirm_page(visit, key, "delete", Form())


@router.post(urls.DELETE_EVENT, dependencies=[delete])
def delete_it(visit: VisitOfRequest, key: str) -> Response:
    delete_event(key, **visit.act)
    return visit.go(urls.EVENTS, "The event was deleted.")


@router.post(urls.DISCARD_DRAFT, dependencies=[write])
def discard(visit: VisitOfRequest, key: str) -> Response:
    discard_draft(key, **visit.act)
    return visit.go(urls.EVENT if visit.visitor.views_events else urls.EVENTS, "The changes were discarded.", key=key)


@router.get(urls.CLOSE_EVENT, dependencies=[delete])
def ask_to_close(visit: VisitOfRequest, key: str) -> Response:
    return _close_page(visit, key, Form())


@router.post(urls.CLOSE_EVENT, dependencies=[delete])
def close(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form = fields_of(sent, ("comment", "confirmed_name"))
    form.require("comment", "Say why the event is closed, for the record.")
    if not form.problems:
        try:
            close_event(key, form.text("comment"), confirmed_name=form.text("confirmed_name") or None, **visit.act)
        except NotFound:
            raise
        except CertificationError as error:
            visit.nothing_written()
            # What is unfinished stands on the page anyway; what was typed instead of the name is said at its field.
            misspelt = isinstance(error, BadInput) and bool(form.text("confirmed_name"))
            form.refused(BadInput(str(error)) if misspelt else error, lambda _: "confirmed_name" if misspelt else None)
        else:
            tell_airflow_of_event(key, session=visit.session)
            visit.commit_and_start_reports()
            return visit.go(urls.EVENT if visit.visitor.views_events else urls.EVENTS, "The event is closed.", key=key)
    return _close_page(visit, key, form)


def _close_page(visit: Visit, key: str, form: Form) -> Response:
    """Lists what is unfinished before it asks; whoever may not close reads why."""
    left: list[Unfinished] = []
    try:
        left = unfinished(key, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        if not form.problems:
            form.problems += [(None, problem) for problem in error.problems]
    return _confirm_page(visit, key, "close", form, unfinished=left)


def _confirm_page(visit: Visit, key: str, act: str, form: Form, **more: object) -> Response:
    event = event_by_key(key, session=visit.session)
    version = shown_version(event, session=visit.session)
    return visit.page(
        f"events/{act}.html",
        status=form.status,
        event=event,
        version=version,
        closed=event.status is EventStatus.CLOSED,
        **more,
        **form.shown(),
    )


@router.get(urls.TAKE_SNAPSHOT, dependencies=[write])
def ask_to_take_snapshot(visit: VisitOfRequest, key: str) -> Response:
    return _snapshot_page(visit, key, Form({"leave_signed_alone": "on"}))


@router.post(urls.TAKE_SNAPSHOT, dependencies=[write])
def take_snapshot(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form = fields_of(sent, ("leave_signed_alone",))
    leave = bool(form.text("leave_signed_alone"))
    try:
        request_snapshot(key, SnapshotKind.STATE, on_demand=True, leave_signed_alone=leave, **visit.act)
    except Conflict as error:
        visit.nothing_written()
        form.refused(error)
        return _snapshot_page(visit, key, form)
    visit.commit_and_start_requests()
    notice = "The snapshot was asked for. Its progress is under Snapshot History."
    return visit.go(urls.EVENT, notice, kind="info", key=key)


def _snapshot_page(visit: Visit, key: str, form: Form) -> Response:
    """Says first whose submissions would fall (domain section 4)."""
    shown = event_head(key, session=visit.session, now=visit.now)
    falling = who_would_sign_again(shown.event.id, session=visit.session)
    return visit.page("events/take_snapshot.html", status=form.status, shown=shown, falling=falling, **form.shown())
