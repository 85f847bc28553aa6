"""The digest that certifiers sign, defined so that anybody can compute it again.

Of a participant and view: SHA-256 over PostgreSQL COPY text of its rows, columns as recorded with the revision, ordered
by `row_key COLLATE "C"`, under the settings of `pipe.SETTINGS`. Of a revision: SHA-256 of its sorted
`view<TAB>rows<TAB>digest` lines, each ended by a newline.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from certification_lib.errors import BadInput


@dataclass(frozen=True)
class ViewDigest:
    """Number of rows and their digest."""

    rows: int
    digest: str


NO_ROWS = ViewDigest(0, hashlib.sha256().hexdigest())


def revision_digest(views: Iterable[tuple[str, ViewDigest]]) -> str:
    lines = sorted(f"{name}\t{view.rows}\t{view.digest}\n" for name, view in views)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Digests:
    """Fed with COPY text sorted by participant and row key; refuses a row key that comes twice in a participant."""

    def __init__(self, view: str, *, participant_position: int, key_position: int = 2) -> None:
        self.by_participant: dict[str, ViewDigest] = {}
        self.rows = 0
        self._view = view
        self._position, self._key_position = participant_position, key_position
        self._splits = max(participant_position, key_position) + 1
        self._participant: bytes | None = None
        self._key = b""
        self._count, self._sha = 0, hashlib.sha256()

    def add(self, row: bytes) -> None:
        fields = row.split(b"\t", self._splits)
        participant, key = fields[self._position], fields[self._key_position]
        if participant != self._participant:
            self.close()
            self._participant, self._count, self._sha = participant, 0, hashlib.sha256()
        elif key == self._key:
            # The key may hold a student's number, so it is not told.
            raise BadInput(
                f"View {self._view} gives two rows with the same row key for {unescaped(participant)}; "
                "a row key must be unique in a district or school."
            )
        self._key = key
        self._sha.update(row)
        self._count += 1

    def close(self) -> None:
        """Take up the last participant; call it once after the last row."""
        if self._participant is not None:
            self.by_participant[unescaped(self._participant)] = ViewDigest(self._count, self._sha.hexdigest())
            self.rows += self._count
            self._participant = None


def unescaped(copied: bytes) -> str:
    """A value of COPY text as it was; organization numbers hold no control characters, at most a backslash."""
    return copied.replace(b"\\\\", b"\\").decode()
