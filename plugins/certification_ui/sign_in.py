"""Our own accessible sign-in page, for auth managers that take a user name and password.

It is a mounted application of its own, because the main one lets nobody in who is not signed in. The password goes to
Airflow's token address and nowhere else; the answer becomes the cookie that Airflow itself uses.
"""

import json
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager, get_cookie_path
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from fastapi import Depends, FastAPI, Form, Request
from starlette.responses import RedirectResponse, Response

from certification_ui import urls
from certification_ui.auth import base_url
from certification_ui.errors import install_handlers
from certification_ui.templating import render_page

ATTEMPTS = 5
WITHIN_SECONDS = 300
REMEMBERED_NAMES = 10_000
WRONG = "The user name or the password is wrong."


class NoPasswords(Exception):
    """This site's auth manager signs people in elsewhere, for example at an identity provider."""


class Attempts:
    """Failed sign-ins of each user name, so that passwords cannot be tried out. Each API server counts its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = Lock()

    def seconds_to_wait(self, username: str) -> int:
        with self._lock:
            recent = self._recent(username)
            return 0 if len(recent) < ATTEMPTS else max(1, round(recent[0] + WITHIN_SECONDS - self._clock()))

    def failed(self, username: str) -> None:
        with self._lock:
            self._failed[username] = [*self._recent(username), self._clock()]
            self._failed.move_to_end(username)
            while len(self._failed) > REMEMBERED_NAMES:
                self._failed.popitem(last=False)

    def succeeded(self, username: str) -> None:
        with self._lock:
            self._failed.pop(username, None)

    def _recent(self, username: str) -> list[float]:
        since = self._clock() - WITHIN_SECONDS
        return [moment for moment in self._failed.get(username, []) if moment > since]


def token_for(username: str, password: str) -> str | None:
    """Airflow's token for these credentials, or None when they are wrong."""
    address = base_url().rstrip("/") + "/auth/token"
    body = json.dumps({"username": username, "password": password}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - our own site
    # This machine's proxy settings are not for its own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        if error.code in {404, 405}:
            raise NoPasswords from error
        if error.code in {400, 401, 403, 422}:
            return None
        raise


def create_sign_in_app(ask: Callable[[str, str], str | None] = token_for) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    install_handlers(app)
    attempts = Attempts()

    def form(request: Request, wanted: str, problem: str | None = None, username: str = "") -> Response:
        status = 200 if problem is None else 422
        return render_page(request, "sign_in.html", status=status, next=wanted, problem=problem, username=username)

    @app.get("/")
    def show(request: Request, next: str = "") -> Response:  # noqa: A002 - the name Airflow's own login uses
        return form(request, urls.safe_next(request, next))

    @app.post("/")
    def enter(
        request: Request,
        fields: Annotated["Credentials", Depends(credentials)],
    ) -> Response:
        wanted = urls.safe_next(request, fields.next)
        wait = attempts.seconds_to_wait(fields.username)
        if wait:
            minutes = -(-wait // 60)
            text = f"Too many attempts with this user name. Try again in {minutes} minute{'' if minutes == 1 else 's'}."
            return form(request, wanted, text, fields.username)
        if not fields.username or not fields.password:
            return form(request, wanted, "Enter your user name and your password.", fields.username)
        try:
            token = ask(fields.username, fields.password)
        except NoPasswords:
            return RedirectResponse(get_auth_manager().get_url_login(next_url=wanted), status_code=303)
        if token is None:
            attempts.failed(fields.username)
            return form(request, wanted, WRONG, fields.username)
        attempts.succeeded(fields.username)
        response = RedirectResponse(wanted, status_code=303)
        response.set_cookie(COOKIE_NAME_JWT_TOKEN, token, **_cookie_attributes())
        return response

    return app


class Credentials:
    def __init__(self, username: str, password: str, next_page: str) -> None:
        self.username = username.strip()
        self.password = password
        self.next = next_page


def credentials(
    username: Annotated[str, Form(max_length=256)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002
) -> Credentials:
    return Credentials(username, password, next)


def sign_out(request: Request) -> Response:
    """Forget the cookie and, where the auth manager can, the token itself."""
    token = request.cookies.get(COOKIE_NAME_JWT_TOKEN)
    if token:
        get_auth_manager().revoke_token(token)
    response = RedirectResponse(urls.path(request, urls.SIGN_IN), status_code=303)
    response.delete_cookie(COOKIE_NAME_JWT_TOKEN, **_cookie_attributes())
    return response


def _cookie_attributes() -> dict[str, Any]:
    return {
        "path": get_cookie_path(),
        "httponly": True,
        "samesite": "lax",
        "secure": base_url().startswith("https:"),
    }
