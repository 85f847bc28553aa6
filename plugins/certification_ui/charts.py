"""Numbers as shapes: what the templates need to draw a line. Every chart stands beside a table of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from certification_lib.certification.control_room import ControlRoom

WIDTH, HEIGHT = 600, 160


@dataclass(frozen=True)
class Curve:
    """One line of a chart of WIDTH by HEIGHT units, for the `points` of a polyline."""

    kind: str
    label: str
    points: str


def curve(kind: str, label: str, values: Sequence[int | None], most: int) -> Curve | None:
    """The line through `values`, one a day, `most` at the top; None when there is nothing to draw."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if not known or most <= 0:
        return None
    step = WIDTH / max(len(values) - 1, 1)
    points = [(place * step, HEIGHT - HEIGHT * min(value / most, 1)) for place, value in known]
    if len(points) == 1:
        points.append((WIDTH, points[0][1]))
    return Curve(kind, label, " ".join(f"{across:.1f},{down:.1f}" for across, down in points))


def certifying_curves(room: ControlRoom) -> list[Curve]:
    """Certified and approved as shares of the participants, and the year before as a share of those of that year."""
    before = [one.certified_last_year for one in room.days]
    drawn = (
        curve("certified", "Certified", [one.certified for one in room.days], room.participants),
        curve("approved", "Approved", [one.approved for one in room.days], room.participants),
        curve("before", "Certified last year", before, room.last_year_participants),
    )
    return [one for one in drawn if one is not None]


def share(part: int, whole: int) -> int:
    """Per cent, rounded down, so that 100 means all."""
    return part * 100 // whole if whole else 0
