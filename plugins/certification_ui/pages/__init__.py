"""The pages: one module per kind of screen, each with the router that serves it."""

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Every router, in the order in which addresses are tried."""
    from certification_ui.pages import district_acts, home, messages, own_events, receipts

    return [module.router for module in (home, own_events, district_acts, receipts, messages)]
