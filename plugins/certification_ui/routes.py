"""Routers whose every route asks who is signed in.

FastAPI understands a route's parameters when it is declared, and once more for each router that it is put into. With
two hundred routes that was seconds of every API server's start, so a router is complete as it is declared, and the
application takes its routes as they are.
"""

from fastapi import APIRouter, Depends

from certification_ui.auth import signed_in

API = "/api/v1"


def page_router() -> APIRouter:
    """For a module of pages, which name their whole addresses."""
    return APIRouter(dependencies=[Depends(signed_in)])


def rest_router(tag: str | None = None, below: str = "") -> APIRouter:
    """For a module of the REST interface: addresses are below /api/v1 and `below`. `tag` is its heading in the
    description, if its routes do not name their own."""
    return APIRouter(prefix=API + below, tags=[tag] if tag else None, dependencies=[Depends(signed_in)])
