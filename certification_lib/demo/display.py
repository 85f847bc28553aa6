"""What the demo shows while it works: each step by name, its time, and what came of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

Progress = Callable[[str], None]


class Display:
    """Steps in order. On a terminal the step under way shows what it is doing; in a log each step is one line."""

    def __init__(self, total: int, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._total = total
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Progress]:
        """One step; call what is yielded with a sentence whenever there is news."""
        number = len(self.seconds) + 1
        title = f"[{number}/{self._total}] {name}"
        started = time.monotonic()
        news: list[str] = []
        with self._console.status(f"{title} …") as status:

            def tell(sentence: str) -> None:
                news.append(sentence)
                status.update(f"{title}: {sentence}")

            yield tell
        self.seconds[name] = time.monotonic() - started
        self._console.print(f"{title}  {self.seconds[name]:.1f} s", markup=False)
        for sentence in news[-1:]:
            self._console.print(f"      {sentence}", markup=False)

    def table(self, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        table = Table(title=title, title_justify="left", show_edge=False)
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*row)
        self._console.print()
        self._console.print(table)

    def say(self, *sentences: str) -> None:
        for sentence in sentences:
            self._console.print(sentence, markup=False)
