"""What a loaded sample holds and how many findings each rule must give on it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SampleManifest:
    state: str
    students: int
    seed: int
    school_year: int
    count_date: str
    # Share of those who can have an error.
    rates: dict[str, float]
    # Injected errors: rule code -> district number -> findings.
    injected: dict[str, dict[str, int]]
    # Findings the data had from the start, in the same form.
    natural: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def expected(self, code: str) -> dict[str, int]:
        """Findings of a rule by district number; districts with none are left out."""
        return {**self.injected.get(code, {}), **self.natural.get(code, {})}

    @property
    def codes(self) -> list[str]:
        return sorted({*self.injected, *self.natural})

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "SampleManifest":
        return cls(**json.loads(file.read_text(encoding="utf-8")))
