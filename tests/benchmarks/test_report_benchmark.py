"""The benchmark of the Event Report in small: a figure for every format, far within its limit."""

import pickle

from sqlalchemy.orm import Session

from certification_lib.reports.writing import ReportFormat
from tests.benchmarks.report import figures_of, large_report, write


def test_sixty_participants_take_a_moment_in_every_format(session: Session) -> None:
    report, seconds = large_report(session, 60)
    assert len(report.participants) == 60
    assert sum(len(line.people) for line in report.participants) == 300
    assert seconds < 5
    pickled = pickle.dumps(report)
    for report_format in ReportFormat:
        time, memory, size = figures_of(report_format, [write(pickled, report_format)])
        assert time["seconds"] < time["limit"]
        assert 0 < size["value"] < 1_000_000
        assert memory["unit"] == "MB"
