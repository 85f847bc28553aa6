"""The manifest says exactly how many findings each rule must give, district by district."""

from collections import defaultdict
from pathlib import Path

import pytest

from certification_lib.sample_source.grand_bend import FINDINGS
from certification_lib.sample_source.grand_bend_files import NUMBER
from certification_lib.sample_source.injected_errors import RATES
from tests.sample_source.conftest import Sample

Findings = dict[str, dict[str, int]]


@pytest.fixture(scope="session")
def findings(sample: Sample) -> Findings:
    """Counted from the tables of the source by rule and district."""
    sample.connection.execute((Path(__file__).parent / "findings.sql").read_bytes())
    found: Findings = defaultdict(dict)
    for code, district, count in sample.rows("select code, district, count(*) from finding group by code, district"):
        found[code][district] = count
    return found


@pytest.mark.parametrize("code", sorted(RATES))
def test_the_manifest_agrees_with_the_source(code: str, sample: Sample, findings: Findings) -> None:
    assert sum(sample.manifest.injected[code].values()) >= 2
    assert sample.manifest.expected(code) == findings[code]


def test_grand_bend_has_only_the_findings_it_always_had(findings: Findings) -> None:
    assert {code: found[NUMBER] for code, found in findings.items() if NUMBER in found} == FINDINGS


def test_nobody_has_two_errors(sample: Sample) -> None:
    students = sum(sum(found.values()) for code, found in sample.manifest.injected.items() if code.startswith("STU-"))
    wrong = """
        select count(*) from edfi.student
        where birthdate > '2016-10-01' or btrim(lastsurname) = '' or lastsurname ~ '[0-9]' or firstname ~ '[0-9]'
    """
    assert 0 < int(str(sample.value(wrong))) < students
