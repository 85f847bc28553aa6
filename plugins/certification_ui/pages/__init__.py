"""The pages: one module per kind of screen, each with the router that serves it."""

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Every router, in the order in which addresses are tried."""
    from certification_ui.pages import (
        airflow_tabs,
        changes,
        district_acts,
        event_editing,
        events,
        home,
        messages,
        own_events,
        participant,
        participant_acts,
        receipts,
        snapshots,
    )

    state = (events, event_editing, participant, participant_acts, changes, snapshots, airflow_tabs)
    return [module.router for module in (home, *state, own_events, district_acts, receipts, messages)]
