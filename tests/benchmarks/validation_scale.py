"""Every injected error of a whole state is found: by rule, district and school, and nothing else is.

    python -m tests.benchmarks.validation_scale [--students 200000] [--state KY]

prints one line of JSON; ends with 1 when anything differs. By district the sample's manifest says what is to be found;
by school an independent query of the source does.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psycopg

from tests.benchmarks.validation_world import SCHOOL_YEAR, ValidationWorld, validation_world

_SOURCE = Path(__file__).parents[1] / "sample_source" / "findings.sql"
_STORED = """
    select rule.code, f.district_number, coalesce(f.school_number, ''), count(*)
    from certification.finding f
    join certification.rule_version v on v.id = f.rule_version_id
    join certification.rule rule on rule.id = v.rule_id
    join certification.participant p on p.current_revision_id = f.revision_id
    group by 1, 2, 3
"""

Found = dict[tuple[str, str, str], int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=200_000)
    parser.add_argument("--state", default="KY")
    arguments = parser.parse_args()
    with validation_world(arguments.students, state=arguments.state, every_rule=True) as world:
        begun = time.perf_counter()
        finished = world.validate()
        taken = time.perf_counter() - begun
        differing = differences(world)
        about = {
            "name": "validation.exact", "students": arguments.students, "school_year": SCHOOL_YEAR,
            "rules": len(world.rules), "rules_with_injected_errors": len(injected(world)),
            "findings": finished.findings,
            "injected": sum(sum(world.manifest.expected(code).values()) for code in injected(world)),
            "districts": finished.participants, "could_not_run": [rule.code for rule in finished.could_not_run],
            "seconds": round(taken, 1), "differing": differing[:20],
        }  # fmt: skip
        sys.stdout.write(json.dumps(about, ensure_ascii=False) + "\n")
    raise SystemExit(bool(differing or finished.could_not_run))


def injected(world: ValidationWorld) -> list[str]:
    """Rules that run here and whose findings the manifest knows."""
    return [code for code in world.manifest.codes if code in {rule.code for rule in world.rules}]


def differences(world: ValidationWorld) -> list[str]:
    """What was found and should not have been, or the other way round."""
    counts = world.counts()
    wrong = [
        f"{code}: district {number} has {counts.get(code, {}).get(number, 0)} findings, not {expected}"
        for code in injected(world)
        for number, expected in {**dict.fromkeys(counts.get(code, {}), 0), **world.manifest.expected(code)}.items()
        if counts.get(code, {}).get(number, 0) != expected
    ]
    with psycopg.connect(world.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as own:
        stored = _by_school(own.execute(_STORED.encode()).fetchall())
    with psycopg.connect(world.source_owner_url.replace("+psycopg", "")) as source:
        source.execute(_SOURCE.read_bytes())
        expected = _by_school(
            source.execute(
                b"select code, district, coalesce(school, ''), count(*) from finding group by 1, 2, 3"
            ).fetchall()
        )
    named = {code for code, _, school in expected if school}
    return wrong + [
        f"{code}: school {school} of district {number} has {stored.get((code, number, school), 0)} findings listed, "
        f"not {expected.get((code, number, school), 0)}"
        for code, number, school in sorted({*stored, *expected})
        if code in named and code in injected(world)
        and stored.get((code, number, school), 0) != expected.get((code, number, school), 0)
    ]  # fmt: skip


def _by_school(rows: Iterable[tuple[str, str, str, int]]) -> Found:
    found: Counter[tuple[str, str, str]] = Counter()
    for code, district, school, count in rows:
        found[code, district, school] += count
    return dict(found)


if __name__ == "__main__":
    main()
