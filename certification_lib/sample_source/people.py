"""Adults of the sample by name: the same person in the staff records and in the list of people to import."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from certification_lib.sample_source.state import read_table

# Awkward cases every state has. A district with no people, and one whose superintendent is another district's.
WITHOUT_PEOPLE: dict[str, tuple[str, ...]] = {"KY": ("013",)}
SHARED_SUPERINTENDENTS: dict[str, dict[str, str]] = {"KY": {"536": "524"}}

_RACES = ("White", "White", "White", "White", "Black", "Hispanic")


@dataclass(frozen=True)
class Adult:
    first_name: str
    last_name: str
    staff_id: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def superintendent(state: str, district_number: str) -> Adult:
    return adult(state, f"superintendent {district_number}", f"{state}{district_number}S")


def adult(state: str, part: str, staff_id: str) -> Adult:
    """Always the same name for the same part in the same state."""
    digest = sha256(f"{state} {part}".encode()).digest()
    race, sex = _RACES[digest[0] % len(_RACES)], ("Female", "Male")[digest[1] % 2]
    firsts, lasts = _common_names(f"FirstName-{race}-{sex}"), _common_names(f"Surname-{race}")
    first = firsts[int.from_bytes(digest[2:6]) % len(firsts)]
    last = lasts[int.from_bytes(digest[6:10]) % len(lasts)]
    return Adult(first, last, staff_id)


@cache
def _common_names(name: str) -> tuple[str, ...]:
    return tuple(row["Name"] for row in read_table("edfi_sdg", f"{name}.csv")[:150] if row["Name"].strip().isalpha())
