"""Charts as SVG, drawn on the server: the same in a page, which allows no script for it, and on paper."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from certification_lib.reports.document import Bar, Chart, Line

_WIDTH = 640
_BAR, _GAP = 18, 8
_LABELS, _NUMBERS = 260, 70
_HEIGHT = 160
# Told apart by their dashes too, for who sees no colours.
_LINES = (("#1a4480", ""), ("#2e6930", "8 3"), ("#6f4a00", "2 3"))


def svg(chart: Chart, *, family: str = "sans-serif") -> str:
    """The chart as one `svg` element, hidden from screen readers: its words and its table speak for it."""
    shapes, height = _bars(chart.bars) if chart.bars else _lines(chart.lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawn" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" aria-hidden="true" focusable="false" font-family="{escape(family)}" font-size="13">'
        f"{''.join(shapes)}</svg>"
    )


def _bars(bars: Sequence[Bar]) -> tuple[Iterator[str], int]:
    most = max((one.value or 0 for one in bars), default=0) or 1
    room = _WIDTH - _LABELS - _NUMBERS

    def shapes() -> Iterator[str]:
        for place, one in enumerate(bars):
            top = place * (_BAR + _GAP)
            middle = top + _BAR - 5
            length = round(room * (one.value or 0) / most, 1)
            said = "not shown" if one.value is None else f"{one.value:,}"
            yield f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{escape(_short(one.label))}</text>'
            yield f'<rect x="{_LABELS}" y="{top}" width="{length}" height="{_BAR}" fill="#2c608a"/>'
            yield f'<text x="{_LABELS + length + 6}" y="{middle}">{said}</text>'

    return shapes(), max(len(bars) * (_BAR + _GAP), _BAR)


def _lines(lines: Sequence[Line]) -> tuple[Iterator[str], int]:
    below = _HEIGHT + 24

    def shapes() -> Iterator[str]:
        for level in (0, _HEIGHT):
            yield f'<line x1="0" y1="{level + 4}" x2="{_WIDTH}" y2="{level + 4}" stroke="#a9aeb1"/>'
        for place, one in enumerate(lines):
            colour, dashes = _LINES[place % len(_LINES)]
            points = _points(one)
            if points:
                yield (
                    f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5" '
                    f'stroke-dasharray="{dashes or "none"}"/>'
                )
            left = place * 210
            yield (
                f'<line x1="{left}" y1="{below}" x2="{left + 34}" y2="{below}" stroke="{colour}" stroke-width="2.5" '
                f'stroke-dasharray="{dashes or "none"}"/>'
                f'<text x="{left + 40}" y="{below + 4}">{escape(_short(one.label, 26))}</text>'
            )

    return shapes(), below + 12


def _points(line: Line) -> str:
    if line.most <= 0:
        return ""
    step = _WIDTH / max(len(line.values) - 1, 1)
    points = [
        (place * step, 4 + _HEIGHT - _HEIGHT * min(value / line.most, 1))
        for place, value in enumerate(line.values)
        if value is not None
    ]
    if len(points) == 1:
        points.append((float(_WIDTH), points[0][1]))
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in points)


def _short(label: str, most: int = 30) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
