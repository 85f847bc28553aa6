"""Who is signed in. Airflow gives the identity and nothing else; what a person may do stands in our own tables."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer
from starlette.responses import RedirectResponse, Response

from certification_lib.settings import load_settings
from certification_ui import urls


class NotSignedIn(Exception):
    """There is no credential, or none that still counts."""


async def airflow_user(request: Request) -> BaseUser:
    """The user Airflow's auth manager knows. Tests put somebody else here."""
    # Any trouble with the credential means "sign in": 401, and 403 "Invalid JWT token" after a change of secret.
    try:
        return await get_user(request, None, await HTTPBearer(auto_error=False)(request))
    except HTTPException as error:
        raise NotSignedIn from error


async def signed_in(user: Annotated[BaseUser, Depends(airflow_user)]) -> str:
    """The username of whoever is signed in; the dependency of the whole application."""
    # FAB's public role lets an anonymous user through `get_user`.
    if getattr(user, "is_anonymous", False) is True or not user.get_name():
        raise NotSignedIn
    return str(user.get_name())


SignedIn = Annotated[str, Depends(signed_in)]


def to_sign_in(request: Request) -> Response:
    """Send a person to the sign-in page and back here afterwards: from a form to the page it is on.

    A fragment asked for by htmx must not be replaced by the sign-in page: the whole window goes there.
    """
    by_htmx = request.headers.get("HX-Request") == "true"
    if request.method == "GET" and not by_htmx:
        wanted = str(request.scope["path"])
        if request.scope.get("query_string"):
            wanted += "?" + request.scope["query_string"].decode("latin-1")
    else:
        page = urlsplit(request.headers.get("referer", ""))  # ours or none: the sign-in page goes nowhere else
        wanted = page.path + (f"?{page.query}" if page.query else "")
    sign_in = urls.path(request, urls.SIGN_IN)
    address = f"{sign_in}?{urlencode({'next': wanted})}" if wanted else sign_in
    if by_htmx:
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def base_url() -> str:
    """Where users reach this site: Airflow's own setting, which cookies and links follow."""
    return str(conf.get("api", "base_url", fallback="") or load_settings().base_url)


def signing_key() -> bytes:
    """For cookies that only this server may write; every API server of the site has the same."""
    return str(conf.get("api", "secret_key")).encode()
