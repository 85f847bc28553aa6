"""Rules on special education and other programs."""

from typing import Any

from tests.expectations.rows import day, sound, wrong


def _rows() -> None:
    special = "program_participation"
    wrong("SPE-001", special, "no disability", disability=None)
    wrong("SPE-001", special, "no setting", special_education_setting=None)
    wrong("SPE-001", special, "ending on the count date", disability=None, end_date=day("2016-10-01"))
    sound("SPE-001", special, "ended before", disability=None, end_date=day("2016-09-30"))
    sound("SPE-001", special, "another program", disability=None, special_education_setting=None,
          program_type="Student School Food Service")  # fmt: skip
    wrong("SPE-004", special, "date only", special_education_exit_date=day("2016-12-01"))
    wrong("SPE-004", special, "reason only", special_education_exit_reason="Moved")
    sound("SPE-004", special, "both", special_education_exit_date=day("2016-12-01"),
          special_education_exit_reason="Moved")  # fmt: skip
    sound("SPE-004", special, "another program", special_education_exit_reason="Moved",
          program_type="Student School Food Service")  # fmt: skip
    homeless: dict[str, Any] = {"program_type": "Homeless", "program_name": "Homeless"}
    wrong("PRG-005", special, "no residence", **homeless)
    sound("PRG-005", special, "a residence", homeless_residence="Shelters", **homeless)
    sound("PRG-005", special, "not homeless", program_type="Student School Food Service")


_rows()
