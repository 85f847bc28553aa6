"""What the import of Great Expectations costs a validation: in a process of its own, and in a forked worker.

    python -m tests.benchmarks.validation_import

prints seconds, each the least of three.
"""

import json
import os
import subprocess
import sys
import time

# What every task of Airflow has loaded before ours begins.
_TASK = "import sys, time; import airflow.sdk, sqlalchemy.orm, certification_lib.validation.service\n"
_BEGIN = "begun = time.perf_counter()\n"
_IMPORT = "import certification_lib.validation.evaluation\n"
_SAY = "print(time.perf_counter() - begun)"


def main() -> None:
    plain = "import great_expectations, great_expectations.expectations\n"
    sys.stdout.write(
        json.dumps(
            {
                "as it comes": round(_least(_TASK + _BEGIN + plain + _SAY), 2),
                "ours, alone": round(_least(_TASK + _BEGIN + _IMPORT + _SAY), 2),
                "ours, in a worker forked after the preload": round(forked(), 4),
            }
        )
        + "\n"
    )


def forked() -> float:
    program = (
        _TASK + _IMPORT + "import os, sys\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    begun = time.perf_counter()\n"
        "    import certification_lib.validation.evaluation\n"
        "    print(time.perf_counter() - begun, flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)"
    )
    return _least(program)


def _least(program: str) -> float:
    taken = []
    for _ in range(3):
        time.sleep(0.1)
        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
        )
        taken.append(float(answer.stdout.split()[-1]))
    return min(taken)


if __name__ == "__main__":
    main()
