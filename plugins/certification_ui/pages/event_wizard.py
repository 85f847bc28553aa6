"""The wizard: four steps, each kept as it is typed. Nothing of it reaches the event before Save."""

from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from certification_lib.errors import BadInput, CertificationError, Conflict, NotFound
from certification_lib.events.content import parse_content
from certification_lib.events.models import Event, EventStatus
from certification_lib.events.queries import content_of, event_by_key, shown_version
from certification_lib.events.service import save_event
from certification_lib.events.step_checks import StepCheck, check_step
from certification_lib.events.steps import Step
from certification_lib.events.unsaved import Unsaved, drop_unsaved, keep_unsaved, unsaved
from certification_lib.people.models import Right, Tool
from certification_ui import event_form, urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Problem, many, numbers_in
from certification_ui.organization_numbers import numbers_of_file
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest
from certification_ui.wizard_choices import choices

router = page_router()
add = right(Tool.EVENT_MANAGEMENT, Right.ADD)
write = right(Tool.EVENT_MANAGEMENT, Right.WRITE)


@router.get(urls.NEW_EVENT, dependencies=[add])
def new_event(visit: VisitOfRequest, step: str = "") -> Response:
    return _read(visit, None, step)


@router.post(urls.NEW_EVENT, dependencies=[add])
def create_event(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    return _take(visit, sent, None)


@router.get(urls.EDIT_EVENT, dependencies=[write])
def edit_event(visit: VisitOfRequest, key: str, step: str = "") -> Response:
    event = event_by_key(key, session=visit.session)
    if event.status is EventStatus.CLOSED:
        return visit.go(urls.EVENT, "The event is closed; nothing in it changes any more.", kind="warning", key=key)
    return _read(visit, event, step)


@router.post(urls.EDIT_EVENT, dependencies=[write])
def change_event(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    return _take(visit, sent, event_by_key(key, session=visit.session))


def _read(visit: Visit, event: Event | None, step: str) -> Response:
    kept = _kept(visit, event)
    form = Form(dict(kept.typed) if kept else _from_the_start(visit, event))
    return _page(visit, event, _step_named(step), form, kept=kept)


def _step_named(step: str) -> Step:
    return Step(step) if step in set(Step) else Step.DETAILS


def _take(visit: Visit, sent: FormData, event: Event | None) -> Response:
    """One step, or the whole form at once when no step is named."""
    then = str(sent.get("then", "save"))
    if then == "discard":
        drop_unsaved(visit.actor.person_id or 0, _id(event), session=visit.session)
        return _go(visit, event, Step.DETAILS, "What was not saved is gone.")
    if "step" not in sent:
        return _save(visit, event, Form(event_form.typed_values(sent)), then, Step.DETAILS)
    step = _step_named(str(sent["step"]))
    kept = _kept(visit, event)
    form = Form((dict(kept.typed) if kept else _from_the_start(visit, event)) | event_form.typed_in_step(sent, step))
    if step is Step.PARTICIPANTS:
        _take_more_participants(form, sent)
    _keep(visit, event, form, kept)
    if then in {"save", "publish"}:
        return _save(visit, event, form, then, step)
    if then == "next" and not form.problems:
        check = check_step(step, event_form.content_values(form.values), session=visit.session, now=visit.now)
        if check.problems:
            form.refused(BadInput("This step is not complete.", problems=list(check.problems)), event_form.placing)
    if form.problems:
        return _page(visit, event, step, form, kept=kept)
    return _go(visit, event, _where_to(then, step))


def _where_to(then: str, step: Step) -> Step:
    """The step a button leads to."""
    if then.startswith("to:"):
        return _step_named(then.removeprefix("to:"))
    return {"next": step.after, "back": step.before}.get(then) or step


def _save(visit: Visit, event: Event | None, form: Form, then: str, step: Step) -> Response:
    person_id, kept = visit.actor.person_id or 0, _kept(visit, event)
    try:
        content = parse_content(event_form.content_values(form.values))
        seen = kept.seen_version if kept else None
        saved = save_event(content, key=event.key if event else None, seen_version=seen, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        event = event_by_key(event.key, session=visit.session) if event else None
        if isinstance(error, Conflict):  # who has read that somebody else has saved may save over it
            drop_unsaved(person_id, _id(event), session=visit.session)
            kept = None
        _keep(visit, event, form, kept)
        form.refused(error, event_form.placing)
        return _page(visit, event, _step_of_first(form, step), form, kept=kept, saving=True)
    drop_unsaved(person_id, _id(event), session=visit.session)
    if then == "publish":
        return visit.go(urls.PUBLISH_EVENT, key=saved.key)
    return visit.go(urls.EVENT if visit.visitor.views_events else urls.EVENTS, "Saved.", key=saved.key)


def _step_of_first(form: Form, step: Step) -> Step:
    """Where the first thing to correct is, unless one of them is in the step at hand."""
    places = [event_form.step_of_typed(name) for name, _ in form.problems if name is not None]
    return step if step in places or not places else places[0]


def _take_more_participants(form: Form, sent: FormData) -> None:
    """Add those of a file and those ticked after a search to the numbers typed."""
    more = many(sent, "add")
    upload = sent.get("numbers_file")
    if isinstance(upload, UploadFile) and upload.filename:
        try:
            more += numbers_of_file(upload)
        except BadInput as error:
            form.refused(error, lambda _: "numbers_file")
    if more:
        form.values["participants_mode"] = "numbers"
        form.values["numbers"] = "\n".join(dict.fromkeys([*numbers_in(form.values["numbers"]), *more]))
    form.values["find"] = str(sent.get("find", "")).strip()[:100]


def _kept(visit: Visit, event: Event | None) -> Unsaved | None:
    return unsaved(visit.actor.person_id or 0, _id(event), session=visit.session)


def _keep(visit: Visit, event: Event | None, form: Form, kept: Unsaved | None) -> None:
    seen = kept.seen_version if kept else None
    if kept is None and event is not None:
        seen = shown_version(event, session=visit.session).made_at
    keep_unsaved(
        visit.actor.person_id or 0,
        _id(event),
        form.values,
        seen_version=seen,
        session=visit.session,
        now=visit.now,
    )


def _id(event: Event | None) -> int | None:
    return event.id if event else None


def _from_the_start(visit: Visit, event: Event | None) -> dict[str, Any]:
    if event is None:
        return event_form.new_values()
    content = content_of(shown_version(event, session=visit.session), active=event.active, session=visit.session)
    return event_form.values_of(content)


def _go(visit: Visit, event: Event | None, step: Step, notice: str | None = None) -> Response:
    address = urls.EDIT_EVENT if event else urls.NEW_EVENT
    return visit.go(f"{address}?step={step}", notice, **({"key": event.key} if event else {}))


def _page(
    visit: Visit, event: Event | None, step: Step, form: Form, *, kept: Unsaved | None, saving: bool = False
) -> Response:
    check = _check(visit, step, form) if kept is not None or event is not None else StepCheck(())
    return visit.page(
        "events/wizard.html",
        status=form.status,
        event=event,
        step=step,
        steps=list(Step),
        is_live=event is not None and event.live_version_id is not None,
        kept=kept,
        saving=saving,
        warnings=check.warnings,
        chosen=check.participants,
        **choices(visit, step, form.values, check),
        **form.shown(),
    )


def _check(visit: Visit, step: Step, form: Form) -> StepCheck:
    """Of a step that is not complete yet, what there is to say about those before it."""
    check = check_step(step, event_form.content_values(form.values), session=visit.session, now=visit.now)
    return _check(visit, step.before, form) if check.content is None and step.before is not None else check


def _in_its_step(name: str | None, sentence: str, step: Step) -> Problem:
    """What is to be corrected in another step says where, since its field is not on this page."""
    place = step if name is None else event_form.step_of_typed(name)
    return (name, sentence) if place is step else (None, f"Step {place.number}, {place.heading}: {sentence}")
