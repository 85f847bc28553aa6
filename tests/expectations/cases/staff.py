"""Rules on staff."""

from tests.expectations.rows import charged, sound


def _rows() -> None:
    for person, shares in {"three jobs": (1, 1, 0.5), "two jobs": (1, 1), "a little over": (2, 0.01, None)}.items():
        for number, share in enumerate(shares):
            sound("STF-003", "staff_assignment", f"{person} {number}", staff_unique_id=f"STF-003 {person}",
                  full_time_equivalency=share)  # fmt: skip
    charged("STF-003", "STF-003 three jobs", "STF-003 a little over")


_rows()
