"""What every answer has in common: plain JSON values, lists with a cursor."""

import base64
import dataclasses
import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from certification_lib.errors import BadInput


def plain(value: Any) -> Any:
    """Dataclasses, named tuples, enums and times as JSON has them: times in UTC with an offset, days as YYYY-MM-DD."""
    if names := _fields(value):
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.date):
        moment = value.astimezone(datetime.UTC) if isinstance(value, datetime.datetime) else value
        return moment.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value


def _fields(value: Any) -> Sequence[str]:
    if isinstance(value, tuple):
        return getattr(value, "_fields", ())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [field.name for field in dataclasses.fields(value)]
    return ()


def listed(items: Sequence[Any], *, next_cursor: str | None = None, **more: Any) -> dict[str, Any]:
    """A page of a list. Ask again with `?cursor=` until `next_cursor` is null."""
    return {"items": plain(items), "next_cursor": next_cursor, **plain(more)}


def cursor_of(position: int) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode().rstrip("=")


def position_of(cursor: str | None, *, first: int = 1) -> int:
    """The place a cursor stands for; BadInput when it is not one of ours."""
    if cursor is None:
        return first
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if text.startswith("at:"):
            return int(text.removeprefix("at:"))
    except ValueError:
        pass
    raise BadInput("The cursor is not one that this list gave.")
