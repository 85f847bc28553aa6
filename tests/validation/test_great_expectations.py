"""Great Expectations is heavy: loaded late, in part, and kept quiet."""

import subprocess
import sys


def run(program: str) -> str:
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return answer.stdout + answer.stderr


def test_it_is_not_loaded_by_services_and_queries() -> None:
    assert run(
        "import sys; import certification_lib.validation.service, certification_lib.validation.queries; "
        "print([name for name in ('great_expectations', 'pandas', 'scipy') if name in sys.modules])"
    ) == ("[]\n")


def test_statistics_and_pictures_stay_unloaded_until_used_and_it_tells_nobody() -> None:
    program = (
        "import sys; from certification_lib.validation.great_expectations import new_context; "
        "context = new_context(); "
        "print([n for n in ('scipy.stats._stats_py', 'altair.vegalite') if n in sys.modules]); "
        "print(context.variables.progress_bars, context.variables.analytics_enabled); "
        "import scipy.stats; print(round(scipy.stats.norm.cdf(0), 1))"
    )
    assert run(program) == "[]\n{'globally': False} False\n0.5\n"
