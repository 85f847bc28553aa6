"""How far the making of a report is, for who waits for it."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many parts are done, of how many."""


def unheard(_done: int, _of: int) -> None:
    """Nobody waits."""
