"""Rows that are sound unless a test says otherwise."""

from typing import Any


def enrollment(district: str, key: str, **values: Any) -> dict[str, Any]:
    return {
        "district_id": district, "school_id": f"{district}010", "row_key": key, "student_unique_id": f"S{key}",
        "entry_grade_level": "First grade", "sex": "Male", **values,
    }  # fmt: skip


def student(district: str, key: str, **values: Any) -> dict[str, Any]:
    return {"district_id": district, "row_key": key, "student_unique_id": f"S{key}", "last_surname": "Hill", **values}
