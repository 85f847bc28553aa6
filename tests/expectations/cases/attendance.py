"""Rules on attendance."""

from tests.expectations.rows import sound, wrong


def _rows() -> None:
    wrong("ATT-001", "attendance", "not enrolled", enrolled=False)
    sound("ATT-001", "attendance", "enrolled")
    wrong("ATT-002", "attendance", "no day of instruction", instructional_day=False, calendar_event="Holiday")
    sound("ATT-002", "attendance", "a day of instruction")
    wrong("ATT-009", "attendance", "a local code", attendance_event_category="L")
    sound("ATT-009", "attendance", "a code of the list", attendance_event_category="Excused Absence")


_rows()
