"""Validation Groups: the list, one group with its suites, writing it; suites of Great Expectations in and out."""

import dataclasses
import json
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, CertificationError, NotFound
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.grouping import (
    GroupContent,
    change_group,
    content_of_group,
    create_group,
    delete_group,
    delivered_group_names,
    link_problems,
)
from certification_lib.rulebook.listing import GroupDetail, RuleFilter, group_detail, group_list, rule_list
from certification_lib.validation.suites import import_suites, suite_documents
from certification_ui import urls, words
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, many
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
read = right(Tool.VALIDATION, Right.READ)
write = right(Tool.VALIDATION, Right.WRITE, Right.DELETE)
add = right(Tool.VALIDATION, Right.ADD)
delete = right(Tool.VALIDATION, Right.DELETE)
imports = right(Tool.VALIDATION, Right.ADD, Right.WRITE)
placing = Placing({"name": "Name", "description": "Description", "level": "Level", "rules": "Rules"})
_ALL_RULES = 10_000


@router.get(urls.GROUPS, dependencies=[read])
def groups(visit: VisitOfRequest) -> Response:
    return visit.page("groups/list.html", groups=group_list(session=visit.session))


@router.get(urls.GROUP, dependencies=[read])
def group(visit: VisitOfRequest, group_id: int) -> Response:
    detail = group_detail(group_id, session=visit.session)
    standing = [(rule, version) for rule, version in detail.rules if not rule.archived]
    return visit.page(
        "groups/view.html",
        detail=detail,
        group=detail.group,
        in_the_way=link_problems(detail.group, session=visit.session),
        delivered=detail.group.name in delivered_group_names(),
        suite_views=list(dict.fromkeys(version.view for _, version in standing)),
    )


@router.get(urls.SUITE, dependencies=[read])
def suite(visit: VisitOfRequest, group_id: int, view: str) -> Response:
    """One suite as Great Expectations writes it."""
    found = suite_documents(group_id, session=visit.session).get(view)
    if found is None:
        raise NotFound("This group has no suite on that view.")
    file_name = f"{group_id}-{view}.json"
    return Response(
        json.dumps(found, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


@router.get(urls.NEW_GROUP, dependencies=[add])
def new_group(visit: VisitOfRequest, copy_of: str = "") -> Response:
    values: dict[str, Any] = {"name": "", "description": "", "level": "District", "active": True, "rules": []}
    if copy_of.isdigit():
        detail = group_detail(int(copy_of), session=visit.session)
        values = _values(content_of_group(detail.group, session=visit.session)) | {
            "name": f"{detail.group.name} (copy)"
        }
    return _form_page(visit, Form(values), None)


@router.post(urls.NEW_GROUP, dependencies=[add])
def make_group(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    return _save(visit, sent, None)


@router.get(urls.EDIT_GROUP, dependencies=[write])
def edit_group(visit: VisitOfRequest, group_id: int) -> Response:
    detail = group_detail(group_id, session=visit.session)
    return _form_page(visit, Form(_values(content_of_group(detail.group, session=visit.session))), detail)


@router.post(urls.EDIT_GROUP, dependencies=[write])
def save_group(visit: VisitOfRequest, sent: FormOfRequest, group_id: int) -> Response:
    return _save(visit, sent, group_detail(group_id, session=visit.session))


def _save(visit: Visit, sent: FormData, detail: GroupDetail | None) -> Response:
    """Save, or show the form again with the rules in another order."""
    form = Form(_typed(sent))
    if sent.get("move") or sent.get("then") == "add":
        form.values["rules"] = rearranged(form.values["rules"], str(sent.get("move", "")))
        return _form_page(visit, form, detail)
    content = GroupContent(
        name=form.text("name"),
        level=Level(form.text("level")) if form.text("level") in set(Level) else Level.DISTRICT,
        description=form.text("description"),
        active=bool(form.values["active"]),
        rules=tuple(form.values["rules"]),
    )
    try:
        saved = (
            create_group(content, **visit.act)
            if detail is None
            else change_group(detail.group.id, content, **visit.act)
        )
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return _form_page(visit, form, detail)
    notice = "Saved."
    if detail is not None and detail.uses:
        notice += " Published events keep the rules they have until they are published again."
    return visit.go(urls.GROUP if visit.visitor.sees_rules else urls.HOME, notice, group_id=saved.id)


def rearranged(codes: list[str], move: str) -> list[str]:
    """The codes with one moved: `up:CODE`, `down:CODE` or `out:CODE`. At the end of the list it stays where it is."""
    act, _, code = move.partition(":")
    if code not in codes:
        return codes
    place = codes.index(code)
    rest = [one for one in codes if one != code]
    if act == "out":
        return rest
    place = {"up": max(0, place - 1), "down": min(len(rest), place + 1)}.get(act, place)
    return [*rest[:place], code, *rest[place:]]


def _typed(sent: FormData) -> dict[str, Any]:
    chosen = list(dict.fromkeys([*many(sent, "rules"), *many(sent, "add")]))
    return {
        **{name: str(sent.get(name, "")).strip() for name in ("name", "description", "level")},
        "active": bool(sent.get("active")),
        "rules": [code for code in chosen if code],
    }


def _values(content: GroupContent) -> dict[str, Any]:
    return dataclasses.asdict(content) | {"level": content.level.value, "rules": list(content.rules)}


def _form_page(visit: Visit, form: Form, detail: GroupDetail | None) -> Response:
    known = rule_list(RuleFilter(archived=None), limit=_ALL_RULES, session=visit.session)
    named = {rule.code: (rule, version) for rule, version in known}
    chosen = form.values["rules"]
    free = [
        (code, f"{code} {version.title}")
        for code, (rule, version) in named.items()
        if not rule.archived and code not in chosen and form.text("level") in version.levels
    ]
    return visit.page(
        "groups/form.html",
        status=form.status,
        detail=detail,
        levels=list(Level),
        named=named,
        free=free,
        only_active=detail is not None and detail.group.name in delivered_group_names(),
        **form.shown(),
    )


@router.get(urls.DELETE_GROUP, dependencies=[delete])
def ask_to_delete(visit: VisitOfRequest, group_id: int) -> Response:
    return visit.page("groups/delete.html", detail=group_detail(group_id, session=visit.session), **Form().shown())


@router.post(urls.DELETE_GROUP, dependencies=[delete])
def delete_it(visit: VisitOfRequest, group_id: int) -> Response:
    form = Form()
    try:
        delete_group(group_id, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        detail = group_detail(group_id, session=visit.session)
        return visit.page("groups/delete.html", status=form.status, detail=detail, **form.shown())
    return visit.go(urls.GROUPS if visit.visitor.sees_rules else urls.HOME, "The group was deleted.")


@router.get(urls.IMPORT_SUITE, dependencies=[imports])
def ask_for_suite(visit: VisitOfRequest) -> Response:
    return visit.page("groups/import.html", **Form({"name": ""}).shown())


@router.post(urls.IMPORT_SUITE, dependencies=[imports])
def import_suite(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = Form({"name": str(sent.get("name", "")).strip()})
    try:
        document = _document(sent.get("file"))
        done = import_suites([document], name=form.text("name") or None, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return visit.page("groups/import.html", status=form.status, **form.shown())
    changes = f"{words.count(len(done.added), 'rule')} added, {len(done.changed)} changed, {done.unchanged} as before"
    notice = f"“{done.group}”: {changes}."
    return visit.go(urls.GROUPS if visit.visitor.sees_rules else urls.HOME, notice)


def _document(file: object) -> dict[str, Any]:
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadInput("Choose the file of a suite.")
    try:
        document = json.loads(file.file.read())
    except ValueError:
        raise BadInput("The file is not JSON.") from None
    if not isinstance(document, dict):
        raise BadInput("The file holds no suite of Great Expectations.")
    return document
