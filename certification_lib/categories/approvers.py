"""The last active Approver of a category with a live event stays: whatever people are changed, by hand or by file."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.live_events import live_events_of
from certification_lib.categories.models import Category
from certification_lib.categories.queries import able_approvers
from certification_lib.errors import Conflict


@contextmanager
def approvers_remain(session: Session) -> Iterator[None]:
    """Conflict when the block left a category with a live event without an active Approver who holds the rights.

    A category that had none before is not this act's fault. The categories stay locked to the end of the transaction,
    so that of two Approvers removed at once the second removal sees the first.
    """
    categories = session.scalars(sa.select(Category).order_by(Category.id).with_for_update()).all()
    live = live_events_of([category.id for category in categories], session=session)
    had = [category for category in categories if category.id in live and able_approvers(category.id, session=session)]
    with session.begin_nested():  # refused, the block has left nothing behind
        yield
        session.flush()  # the question below must see what the block changed
        problems = [
            f"{category.name} would be left without an active Approver who holds the rights, but these events are "
            f"live: {', '.join(live[category.id])}"
            for category in had
            if not able_approvers(category.id, session=session)
        ]
        if problems:
            raise Conflict("; ".join(problems), problems=problems)
