"""Ed-Fi code lists as an ODS keeps them: one row in `descriptor` and one in the table of its own kind."""

from dataclasses import dataclass, field

import numpy as np

from certification_lib.sample_source.copy_rows import Array, TableCopier, text_array
from certification_lib.sample_source.state import read_table

_LOCAL_NAMESPACE = "uri://gbisd.example.org"
GRADE_LEVELS = (
    "Prekindergarten",
    "Kindergarten",
    "First grade",
    "Second grade",
    "Third grade",
    "Fourth grade",
    "Fifth grade",
    "Sixth grade",
    "Seventh grade",
    "Eighth grade",
    "Ninth grade",
    "Tenth grade",
    "Eleventh grade",
    "Twelfth grade",
)


@dataclass
class Descriptors:
    """Ids of code values by kind, e.g. ids["GradeLevel"]["First grade"]."""

    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    _rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def id(self, kind: str, code_value: str) -> int:
        return self.ids[kind][code_value]

    def id_or_new(self, kind: str, code_value: str) -> int:
        """A value the standard's list lacks gets a descriptor in the district's own namespace, as districts do."""
        if not code_value:
            return -1
        if code_value not in self.ids[kind]:
            self.add(f"{kind}Descriptor", code_value, code_value, code_value, f"{_LOCAL_NAMESPACE}/{kind}Descriptor")
        return self.ids[kind][code_value]

    def array(self, kind: str, code_values: tuple[str, ...] | list[str]) -> Array:
        """Ids in the order of the code values, to be picked from by index."""
        return np.array([self.id(kind, code_value) for code_value in code_values], dtype=np.int32)

    def grade_levels(self) -> Array:
        """Ids by grade number + 1: prekindergarten is grade -1."""
        return self.array("GradeLevel", GRADE_LEVELS)

    @property
    def types(self) -> list[str]:
        return sorted({descriptor for descriptor, *_ in self._rows})

    def copy_to(self, copier: TableCopier) -> None:
        columns = [text_array(list(column)) for column in zip(*self._rows, strict=True)]
        _, code_values, short, long, namespaces = columns
        numbers = np.arange(1, len(self._rows) + 1)
        copier.copy(
            "descriptor",
            {
                "descriptorid": numbers,
                "namespace": namespaces,
                "codevalue": code_values,
                "shortdescription": short,
                "description": long,
                "discriminator": text_array([f"edfi.{row[0]}" for row in self._rows]),
                "uri": text_array([f"{row[4]}#{row[1]}" for row in self._rows]),
            },
        )
        for descriptor in self.types:
            own = np.array([number for number, row in zip(numbers, self._rows, strict=True) if row[0] == descriptor])
            copier.copy(descriptor.lower(), {f"{descriptor.lower()}id": own})

    def add(self, descriptor: str, code_value: str, short: str, long: str, namespace: str) -> None:
        values = self.ids.setdefault(descriptor.removesuffix("Descriptor"), {})
        self._rows.append((descriptor, code_value[:50], short[:75], long[:1024], namespace))
        # A value that stands in several namespaces is meant as in the standard's own, which comes first.
        values.setdefault(code_value, len(self._rows))


def read_descriptors() -> Descriptors:
    descriptors = Descriptors()
    for row in read_table("edfi_descriptors", "descriptors.csv.gz"):
        descriptors.add(
            row["descriptor"], row["code_value"], row["short_description"], row["description"], row["namespace"]
        )
    return descriptors
