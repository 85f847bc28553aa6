from certification_lib.events.models import MilestoneKind
from certification_lib.orchestration.steps import STEPS, steps_to_skip

IN_DAG = ["announce", "open_window", "remind", "close_window", "state_snapshot"]


def skipped(*due: MilestoneKind, views: int = 2, unvalidated: bool = False, in_dag: list[str] = IN_DAG) -> set[object]:
    return set(steps_to_skip(due, in_dag=in_dag, views=views, unvalidated=unvalidated))


def test_every_kind_of_milestone_is_done_by_exactly_one_step():
    done_by = [kind for kinds in STEPS.values() for kind in kinds]
    assert sorted(done_by) == sorted(MilestoneKind)


def test_a_publication_alone_is_only_announced():
    assert skipped(MilestoneKind.PUBLICATION) == {
        "open_window",
        "remind",
        "close_window",
        "state_snapshot",
        ("validate", 0),
        ("validate", 1),
    }


def test_a_snapshot_is_validated():
    assert skipped(MilestoneKind.CLEANUP_SNAPSHOT) == {"announce", "open_window", "remind", "close_window"}


def test_what_was_taken_and_not_validated_is_validated_although_nothing_is_due():
    assert skipped(unvalidated=True) == {*IN_DAG}


def test_an_event_without_snapshots_has_no_such_steps_to_skip():
    assert skipped(in_dag=IN_DAG[:-1], views=0) == {"announce", "open_window", "remind", "close_window"}


def test_everything_due_at_once_skips_nothing():
    assert skipped(*MilestoneKind) == set()
