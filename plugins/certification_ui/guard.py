"""The outermost layer of the application: headers on every answer, forged forms refused, no exception gets past it.

It is a plain ASGI class because Starlette runs a handler for `Exception` outside all middleware: that answer would
lack the headers, and the server would log the exception's text, in which a database quotes row values.
"""

import logging
import secrets
import traceback
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certification_ui import urls
from certification_ui.csrf import came_from_elsewhere

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    # Not no-referrer: that turns Origin into null on form posts.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
MOST_BYTES = 4_000_000

# (request, status, sentence, error id) to an answer: a page or problem+json.
Refusal = Callable[[Request, int, str, str | None], Response]


class TooLarge(Exception):
    """More was sent than any form of ours holds."""


class Guard:
    def __init__(self, app: ASGIApp, *, base_url: str, refusal: Refusal) -> None:
        self.app = app
        self.base_url = base_url
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[urls.ROOT] = scope.get("root_path", "")
        request = Request(scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Pages may hold student rows: neither the browser nor a proxy keeps them.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = came_from_elsewhere(scope["method"], Headers(scope=scope), self.base_url)
        if refused:
            answer = self.refusal(request, 403, f"{refused} Nothing was changed. Open the page again and retry.", None)
            await answer(scope, receive, send_with_headers)
            return
        try:
            if _announced(request) > MOST_BYTES:
                raise TooLarge
            await self.app(scope, _limited(receive), send_with_headers)
        except TooLarge:
            answer = self.refusal(request, 413, "That is more than this form takes. Nothing was changed.", None)
            await answer(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last place where one can be caught
            error_id = log_without_values(error)
            if started:
                return
            answer = self.refusal(
                request, 500, "Something went wrong on our side. Nothing was changed by this request.", error_id
            )
            await answer(scope, receive, send_with_headers)


def log_without_values(error: BaseException) -> str:
    """Log an unexpected error and return the id shown to the user.

    Class and place only: the text of a database error quotes row values ("Key (…)=(…) already exists").
    """
    error_id = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    log.error("error %s: %s.%s at %s", error_id, type(error).__module__, type(error).__qualname__, places)
    return error_id


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive) -> Receive:
    """Refuse a body that grows too large without having said its length."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BYTES:
            raise TooLarge
        return message

    return receive_limited
