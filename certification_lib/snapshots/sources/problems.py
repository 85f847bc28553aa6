"""Everything wrong with what a source gave for one view, told at once in a bounded list."""

from certification_lib.errors import BadInput

TOLD = 50


class Problems:
    """The first problems in words, and the number of all. No word of theirs quotes a value."""

    def __init__(self, view: str) -> None:
        self.told: list[str] = []
        self.number = 0
        self._view = view

    @property
    def room(self) -> int:
        """How many more would be told."""
        return TOLD - len(self.told)

    def add(self, words: str) -> None:
        self.number += 1
        if self.room > 0:
            self.told.append(words)

    def add_untold(self, number: int) -> None:
        """Count problems that nobody put in words."""
        self.number += number

    def refuse(self) -> None:
        """Raise when there is any."""
        if not self.number:
            return
        found = "1 problem" if self.number == 1 else f"{self.number:,} problems"
        headline = f"View {self._view} cannot be taken, nothing was loaded: {found}."
        untold = self.number - len(self.told)
        rest = [f"and {untold:,} more"] if untold else []
        raise BadInput(headline, problems=[headline, *self.told, *rest])
