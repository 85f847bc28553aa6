"""An event written down as YAML: to keep it, to carry it to another installation, to import it again."""

from typing import Any

import yaml
from sqlalchemy.orm import Session

from certification_lib.events.content import EventContent
from certification_lib.events.queries import content_of, event_by_key, shown_version

_HEADING = "# A certification event as `certify events import` and Event Management read it.\n"


def written_event(key: str, *, session: Session) -> str:
    """The event as its editors see it, the draft if there is one. The caller has checked the right."""
    event = event_by_key(key, session=session)
    content = content_of(shown_version(event, session=session), active=event.active, session=session)
    return _HEADING + yaml.safe_dump(_fields(key, content), sort_keys=False, allow_unicode=True, width=100)


def _fields(key: str, content: EventContent) -> dict[str, Any]:
    # A copy has no dates yet, which the schema of a complete event would warn about.
    fields = content.model_dump(mode="json", warnings=False, exclude_none=True)
    return {"key": key, **{name: value for name, value in fields.items() if name != "key"}}
