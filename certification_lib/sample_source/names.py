"""First names, surnames and streets drawn by the frequencies they have in each group."""

import re
from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array, text_array
from certification_lib.sample_source.state import RACES, read_table

# Anything a name rule would ask about may only come in as an injected error.
_ODD = re.compile(r"[0-9]|^\s*(TEST|UNKNOWN|XXX|BABY)\s*$|[ ,](JR|SR|II|III|IV)\.?\s*$", re.IGNORECASE)
_SURNAMES = (
    "White",
    "Black",
    "Hispanic",
    "Asian",
    "AmericanIndianAlaskanNative",
    "NativeHawaiinPacificIslander",
    "Multi",
)
_FIRST_NAMES = (*_SURNAMES[:6], "White")
MALE, FEMALE = 0, 1


@dataclass(frozen=True)
class Frequencies:
    values: Array
    cumulative: Array

    def pick(self, random: Array) -> Array:
        """One value for each random number between 0 and 1."""
        position = np.searchsorted(self.cumulative, random * self.cumulative[-1], side="right")
        picked: Array = self.values[np.minimum(position, len(self.values) - 1)]
        return picked


@dataclass(frozen=True)
class Names:
    """Lists by race (in the order of RACES) and sex."""

    surnames: tuple[Frequencies, ...]
    first_names: tuple[tuple[Frequencies, Frequencies], ...]
    streets: Frequencies

    def pick_surnames(self, random: Array, race: Array) -> Array:
        picked = np.zeros(len(race), dtype="S40")
        for index in range(len(RACES)):
            group = race == index
            picked[group] = self.surnames[index].pick(random[group])
        return picked

    def pick_first_names(self, random: Array, race: Array, sex: Array) -> Array:
        picked = np.zeros(len(race), dtype="S40")
        for index in range(len(RACES)):
            for each_sex in (MALE, FEMALE):
                group = (race == index) & (sex == each_sex)
                picked[group] = self.first_names[index][each_sex].pick(random[group])
        return picked


def read_names() -> Names:
    return Names(
        surnames=tuple(_frequencies(f"Surname-{race}") for race in _SURNAMES),
        first_names=tuple(
            (_frequencies(f"FirstName-{race}-Male"), _frequencies(f"FirstName-{race}-Female")) for race in _FIRST_NAMES
        ),
        streets=_frequencies("StreetNames"),
    )


def _frequencies(name: str) -> Frequencies:
    rows = [
        row for row in read_table("edfi_sdg", f"{name}.csv") if row["Name"].strip() and not _ODD.search(row["Name"])
    ]
    cumulative = np.cumsum([float(row["Frequency"]) for row in rows])
    return Frequencies(text_array([row["Name"].strip() for row in rows]), cumulative)
