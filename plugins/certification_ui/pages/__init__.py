"""The pages: one module per kind of screen, each with the router that serves it."""

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Every router, in the order in which addresses are tried."""
    from certification_ui.pages import (
        airflow_tabs,
        audit,
        calendar,
        categories,
        changes,
        district_acts,
        due_dates,
        event_editing,
        event_report,
        event_rules,
        event_running,
        event_wizard,
        events,
        findings_matrix,
        groups,
        home,
        housekeeping,
        keeping,
        messages,
        organizations,
        own_events,
        own_members,
        own_people,
        own_rows,
        own_schools,
        own_worklist,
        participant,
        participant_acts,
        people,
        receipts,
        reports,
        rights,
        rules,
        snapshots,
        state_acts,
        state_message,
        validation_runs,
        webhooks,
    )

    state = (
        events,
        event_wizard,
        event_editing,
        participant,
        participant_acts,
        changes,
        snapshots,
        findings_matrix,
        validation_runs,
        event_rules,
        rules,
        groups,
        event_report,
        reports,
        airflow_tabs,
    )
    state = (*state, due_dates, event_running, keeping, state_acts, state_message)
    directory = (categories, people, rights, organizations, webhooks, audit, housekeeping, own_members, own_people)
    return [
        module.router
        for module in (
            home,
            *state,
            *directory,
            own_events,
            own_rows,
            own_schools,
            own_worklist,
            district_acts,
            receipts,
            messages,
            calendar,
        )
    ]
