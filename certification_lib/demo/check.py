"""Whether the product found exactly the errors that the sample is known to have."""

from collections.abc import Mapping
from dataclasses import dataclass

from certification_lib.sample_source.manifest import SampleManifest

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Comparison:
    """`differences` are sentences; empty means that every count of every rule and district is as injected."""

    rules: int
    findings: int
    differences: tuple[str, ...]


def compare(manifest: SampleManifest, found: Counts) -> Comparison:
    """Rules whose errors are listed in the manifest must agree district by district."""
    differences = [
        f"{code} in {number}: {found.get(code, {}).get(number, 0)} found, {expected} expected"
        for code in manifest.codes
        for number, expected in _every_district(manifest.expected(code), found.get(code, {}))
        if found.get(code, {}).get(number, 0) != expected
    ]
    total = sum(sum(found.get(code, {}).values()) for code in manifest.codes)
    return Comparison(len(manifest.codes), total, tuple(differences))


def _every_district(expected: Mapping[str, int], found: Mapping[str, int]) -> list[tuple[str, int]]:
    """Districts in which the rule should or did find something, with what it should."""
    return [(number, expected.get(number, 0)) for number in sorted({*expected, *found})]
