"""Text that is safe to open in a spreadsheet, whatever somebody wrote into the data."""

from typing import TypeVar

Value = TypeVar("Value")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe_cell(cell: Value) -> Value | str:
    """The cell, with an apostrophe before text that a spreadsheet would compute, blanks before it or not."""
    if isinstance(cell, str) and (cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA[:4])):
        return f"'{cell}"
    return cell
