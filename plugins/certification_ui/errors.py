"""Refusals as people and programs read them: a page, or problem+json (RFC 9457) below /api/."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import sqlalchemy.exc
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from certification_lib.errors import CertificationError, database_error_in_words
from certification_ui import urls
from certification_ui.auth import NotSignedIn, to_sign_in
from certification_ui.templating import render_page

log = logging.getLogger(__name__)

# What a page says above the sentence; the status itself means little to most people.
TITLES = {
    401: "Please sign in",
    403: "Not allowed",
    404: "Page not found",
    405: "Page not found",
    409: "This cannot be done now",
    413: "Too much was sent",
    422: "Something needs correcting",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Not available at the moment",
}
NOT_FOUND = "There is nothing here, or nothing that you may see."


def is_api(request: Request) -> bool:
    """Whether the caller is a program of the REST interface."""
    root = request.scope.get(urls.ROOT, "")
    return str(request.scope["path"]).removeprefix(root).startswith("/api/")


def refusal(
    request: Request,
    status: int,
    sentence: str,
    error_id: str | None = None,
    *,
    problems: Sequence[str] = (),
    checklist: Sequence[Any] = (),
) -> Response:
    title = TITLES.get(status, "This cannot be done")
    if is_api(request):
        body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
        if problems:
            body["problems"] = list(problems)
        if checklist:
            body["checklist"] = [asdict(line) for line in checklist]
        if error_id:
            body["error_id"] = error_id
        return JSONResponse(body, status_code=status, media_type="application/problem+json")
    return render_page(
        request,
        "error.html",
        status=status,
        visitor=getattr(request.state, "visitor", None),
        not_allowed=status == 403,
        title=title,
        sentence=sentence,
        problems=[problem for problem in problems if problem != sentence],
        error_id=error_id,
    )


class Elsewhere(Exception):
    """What was asked for is at another address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def install_handlers(app: FastAPI) -> None:
    """Give every expected exception its answer. The unexpected ones are the guard's."""
    app.exception_handler(NotSignedIn)(_not_signed_in)
    app.exception_handler(Elsewhere)(_elsewhere)
    app.exception_handler(CertificationError)(_certification_error)
    app.exception_handler(RequestValidationError)(_bad_input)
    app.exception_handler(StarletteHTTPException)(_http_error)
    app.exception_handler(sqlalchemy.exc.OperationalError)(_database_away)


async def _elsewhere(request: Request, error: Elsewhere) -> Response:
    del request
    return RedirectResponse(error.address, status_code=303)


async def _not_signed_in(request: Request, error: Exception) -> Response:
    del error
    if is_api(request):
        answer = refusal(request, 401, "Sign in first, or send a bearer token.")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    return to_sign_in(request)


async def _certification_error(request: Request, error: CertificationError) -> Response:
    if error.status == 404 and not is_api(request):
        # The same words whatever is hidden, so that nothing can be told from them.
        return refusal(request, 404, NOT_FOUND)
    checklist = getattr(error, "checklist", ())
    return refusal(request, error.status, str(error), problems=error.problems, checklist=checklist)


async def _bad_input(request: Request, error: RequestValidationError) -> Response:
    # Names of fields only: what was typed may be anybody's data.
    named = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    if is_api(request) or any(one["loc"][0] == "body" for one in error.errors()):
        return refusal(request, 422, "What was sent cannot be taken as it is.", problems=named)
    return refusal(request, 404, NOT_FOUND)


async def _http_error(request: Request, error: StarletteHTTPException) -> Response:
    if error.status_code in {404, 405}:
        return refusal(request, 404, NOT_FOUND)
    return refusal(request, error.status_code, HTTPStatus(error.status_code).phrase + ".")


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("the certification database could not serve a request: %s", database_error_in_words(error))
    return refusal(request, 503, "The certification database cannot do this now. Nothing was changed. Try again soon.")
