"""One sentence carried from an act to the page that follows it, in a signed cookie that lives for one page."""

import base64
import binascii
import hashlib
import hmac
import json

from starlette.requests import Request
from starlette.responses import Response

from certification_ui import urls
from certification_ui.auth import signing_key

COOKIE = "certification_notice"
KINDS = frozenset({"success", "warning", "error", "info"})


def put(response: Response, request: Request, kind: str, text: str) -> None:
    """Say `text` on the next page. It never holds a student's value: cookies pass through many hands."""
    content = base64.urlsafe_b64encode(json.dumps([kind, text[:900]]).encode()).decode()
    response.set_cookie(
        COOKIE,
        f"{content}.{_signature(content)}",
        max_age=120,
        path=urls.path(request, urls.HOME),
        httponly=True,
        samesite="lax",
    )


def take(request: Request) -> tuple[str, str] | None:
    """The notice this request carries, if this server wrote it."""
    content, _, signature = request.cookies.get(COOKIE, "").partition(".")
    if not content or not hmac.compare_digest(signature.encode(), _signature(content).encode()):
        return None
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(content))
    except (ValueError, binascii.Error):
        return None
    return (kind, text) if kind in KINDS else None


def forget(response: Response, request: Request) -> None:
    response.delete_cookie(COOKIE, path=urls.path(request, urls.HOME), httponly=True, samesite="lax")


def _signature(content: str) -> str:
    return hmac.new(signing_key(), b"notice:" + content.encode(), hashlib.sha256).hexdigest()
