"""Every table of the product in one metadata: importing this module knows them all."""

import sqlalchemy as sa

from certification_lib.audit import models as audit
from certification_lib.categories import models as categories
from certification_lib.certification import models as certification
from certification_lib.database import Base
from certification_lib.events import models as events
from certification_lib.housekeeping import models as housekeeping
from certification_lib.notifications import models as notifications
from certification_lib.people import models as people
from certification_lib.reports import models as reports
from certification_lib.rulebook import models as rulebook
from certification_lib.snapshots import models as snapshots
from certification_lib.validation import models as validation
from certification_lib.webhooks import models as webhooks

PACKAGES = (
    audit,
    housekeeping,
    people,
    notifications,
    webhooks,
    categories,
    rulebook,
    events,
    snapshots,
    validation,
    certification,
    reports,
)
metadata = Base.metadata


def _comment_tables() -> None:
    """Each table says what it is in the words of its model's docstring; `migrate.upgrade` writes them down."""
    for mapper in Base.registry.mappers:
        table, words = mapper.local_table, mapper.class_.__doc__
        if isinstance(table, sa.Table) and words:
            table.comment = " ".join(words.split())


_comment_tables()
