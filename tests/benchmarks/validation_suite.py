"""How long a whole state takes to validate, beside the ways it could be done otherwise.

    python -m tests.benchmarks.validation_suite [--students 1000000] [--rounds 3] [--only vs_sql,district]

prints one line of JSON for each figure, with its baseline measured in the same run. All single-view rules of the Fall
group, all districts of California; counts and findings stored.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from typing import Any

from tests.benchmarks.validation_world import BenchmarkRule, ValidationWorld, validation_world
from tests.benchmarks.work import processor_seconds
from tests.benchmarks.world import tell

Figure = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"some of {', '.join(FIGURES)}")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or list(FIGURES)
    if unknown := set(wanted) - set(FIGURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}")
    import_module("certification_lib.validation.evaluation")  # the import is a figure of its own
    with validation_world(arguments.students) as world:
        for figure in measure(world, rounds=arguments.rounds, wanted=wanted):
            about = {"students": arguments.students, "machine": f"{os.cpu_count()} x {platform.machine()}"}
            sys.stdout.write(json.dumps(figure | about, ensure_ascii=False) + "\n")
            sys.stdout.flush()


def measure(world: ValidationWorld, *, rounds: int, wanted: Collection[str]) -> Iterator[Figure]:
    world.validate()  # imports Great Expectations, and the server has seen every page once
    world.handwritten()
    for name in wanted:
        tell(f"Measuring {name}")
        yield from FIGURES[name](world, rounds)


def imports(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    del world, rounds
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.validation_import"], capture_output=True, text=True, check=True
    )
    yield {"name": "validation.import", "unit": "s", **json.loads(answer.stdout)}


def suite_beside_sql(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    ours, sql = by_turns(rounds, world.validate, world.handwritten)
    yield {
        "name": "validation.suite.vs_sql", "value": round(ours / sql, 2), "limit": 1.5,
        "unit": "times one INSERT … SELECT … GROUP BY for each rule", "seconds": round(ours, 2),
        "baseline_seconds": round(sql, 2), "rules": len(world.rules), "views": len(world.views),
        "findings": sum(sum(found.values()) for found in world.counts().values()),
    }  # fmt: skip


def state_beside_district_by_district(
    world: ValidationWorld, rounds: int, *, sample: int = 20, scaled_to: int = 1_000
) -> Iterator[Figure]:
    from tests.benchmarks.validation_gx import PerDistrict

    checkpoints = PerDistrict(world)
    chosen = world.districts(sample)
    counts = world.counts()
    if sample > 1:
        checkpoints.run(chosen[0])  # what is loaded at first use is not counted
    taken = []
    for place, number in enumerate(chosen):
        begun = time.perf_counter()
        found = checkpoints.run(number, again=sample > 1 and place == 0)
        taken.append(time.perf_counter() - begun)
        compare(found, counts, number)
    checkpoints.close()
    ours = statistics.median(seconds(world.validate) for _ in range(rounds))
    each = statistics.mean(taken)
    usual, districts = each * scaled_to, world.how_many_districts()
    yield {
        "name": "validation.state.vs_gx_per_district", "value": round(usual / ours, 1), "limit": 100,
        "unit": f"times faster than {scaled_to} checkpoints", "seconds": round(ours, 2),
        "baseline_seconds": round(usual, 1), "measured_districts": sample, "seconds_each": round(each, 3),
        "districts": districts, "value_for_these_districts": round(each * districts / ours, 1),
    }  # fmt: skip


def compare(found: dict[str, int], counts: dict[str, dict[str, int]], number: str) -> None:
    """Both ways found the same, but for the rule that compares districts: a district by itself has no others."""
    for code, count in found.items():
        if code != "ENR-009" and count != counts.get(code, {}).get(number, 0):
            raise AssertionError(f"{code} of {number}: {count} findings one way, {counts.get(code)} the other")


def for_data_frame(world: ValidationWorld) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Where the rows of each view are, and its rules that are written for data frames too."""
    from tests.benchmarks.validation_dataframe import WRITTEN_HERE

    rows = {view: world.rows_of(view) for view in world.views}
    rules = [rule for rule in world.rules if rule.code in WRITTEN_HERE]
    return rows, {view: [rule.code for rule in rules if rule.view == view] for view in world.views}


def suite_beside_data_frame(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    rows, codes = for_data_frame(world)
    identifiers = {rule.code: list(rule.identifiers) for rule in world.rules}
    given: dict[str, Any] = {
        "url": world.engine.url.render_as_string(hide_password=False), "rules_url": world.rules_url,
        "rows": rows, "codes": codes, "identifiers": identifiers,
    }  # fmt: skip
    ours, frames = [], []
    with world.only({code for of_view in codes.values() for code in of_view}):
        for _ in range(rounds):
            frames.append(once("dataframe", given))
            ours.append(once("ours", given))
    counts = world.counts()
    for code, found in frames[0]["found"].items():
        if found != counts.get(code, {}):
            raise AssertionError(f"{code}: the data frame finds {sum(found.values())} rows, ours differ")
    least = statistics.median(each["seconds"] for each in ours)
    frame = statistics.median(each["seconds"] for each in frames)
    grew = statistics.median(each["grew"] for each in ours)
    frame_grew = statistics.median(each["grew"] for each in frames)
    yield {
        "name": "validation.suite.vs_dataframe", "value": round(frame / least, 2), "limit": 1,
        "unit": "times faster than Polars, findings stored by both",
        "seconds": round(least, 2), "baseline_seconds": round(frame, 2),
        "memory": round(frame_grew / grew, 1), "memory_limit": 10, "megabytes": round(grew / 1e6),
        "baseline_megabytes": round(frame_grew / 1e6), "megabytes_with_imports": round(ours[0]["all"] / 1e6),
        "baseline_megabytes_with_imports": round(frames[0]["all"] / 1e6),
        "rules": sum(len(of_view) for of_view in codes.values()),
    }  # fmt: skip


def once(way: str, given: dict[str, Any]) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.validation_once", way],
        input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    answered: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return answered


def one_district(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    number, rows = world.district_of(5_000)
    spent: list[float] = []
    (taken,) = by_turns(
        rounds,
        lambda: spent.append(processor_seconds(world.engine, lambda: world.validate(numbers=[number]))),
    )
    yield {
        "name": "validation.district", "value": round(taken, 2), "limit": 2, "unit": "s besides the import",
        "processor_seconds": round(statistics.median(spent), 2), "rows": rows, "rules": len(world.rules),
    }  # fmt: skip


def how_it_grows(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    """Rows: a quarter, half and all of them, in as many districts. Districts: all of the state's, and ten, with as many
    rows."""
    shares = {"quarter": 0.25, "half": 0.5, "all": 1.0}
    for key, share in shares.items():
        world.derive(key, share=share)
    world.derive("ten districts", districts=10)
    world.derive("thousand districts", districts=1_000)
    keys = (*shares, "ten districts", "thousand districts")
    quarter, half, whole, ten, thousand = by_turns(rounds, *(lambda key=key: world.validate(key) for key in keys))
    taken = [quarter, half, whole]
    slope, start = statistics.linear_regression(list(shares.values()), taken)
    yield {
        "name": "validation.suite.rows", "value": round(whole / half, 2), "limit": 2.2,
        "unit": "times as long with twice the rows", "seconds": round(whole, 2), "baseline_seconds": round(half, 2),
        "seconds_by_share": dict(zip(shares, (round(each, 2) for each in taken), strict=True)),
        "explained_by_a_line": round(statistics.correlation(list(shares.values()), taken) ** 2, 4),
        "seconds_for_all_rows": round(slope, 2), "seconds_at_no_rows": round(start, 2),
    }  # fmt: skip
    yield {
        "name": "validation.suite.districts", "value": round(thousand / ten, 2), "limit": 1.5,
        "unit": "times as long with 1,000 districts as with 10", "seconds": round(thousand, 2),
        "baseline_seconds": round(ten, 2),
    }  # fmt: skip


def another_rule(world: ValidationWorld, rounds: int) -> Iterator[Figure]:
    """All rules of the enrollment view and half of them, ours and by hand: what the other half costs each way."""
    of_view = [rule for rule in world.rules if rule.view == "enrollment" and "sql" not in rule.definition]
    few = of_view[: len(of_view) // 2]
    world.derive("all rules", rules=of_view)
    world.derive("half the rules", rules=few)
    more, fewer, sql_more, sql_fewer = by_turns(
        rounds + 2,
        lambda: world.validate("all rules"),
        lambda: world.validate("half the rules"),
        lambda: world.handwritten(codes=codes_of(of_view)),
        lambda: world.handwritten(codes=codes_of(few)),
    )
    added = len(of_view) - len(few)
    yield {
        "name": "validation.rule", "value": round((more - fewer) / (sql_more - sql_fewer), 2), "limit": 1,
        "unit": "times the rule's bare SQL", "seconds": round((more - fewer) / added, 3),
        "baseline_seconds": round((sql_more - sql_fewer) / added, 3), "added_rules": added,
    }  # fmt: skip


FIGURES: dict[str, Callable[[ValidationWorld, int], Iterator[Figure]]] = {
    "vs_sql": suite_beside_sql,
    "vs_gx_per_district": state_beside_district_by_district,
    "vs_dataframe": suite_beside_data_frame,
    "district": one_district,
    "growth": how_it_grows,
    "rule": another_rule,
    "import": imports,
}


def codes_of(rules: list[BenchmarkRule]) -> list[str]:
    return [rule.code for rule in rules]


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def by_turns(rounds: int, *acts: Callable[[], object]) -> list[float]:
    """The median seconds of each act; they take turns, so that a busy moment of the machine meets all of them."""
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        for times, act in zip(taken, acts, strict=True):
            times.append(seconds(act))
    return [statistics.median(times) for times in taken]


if __name__ == "__main__":
    main()
