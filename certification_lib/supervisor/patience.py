"""When a component that lives counts as hanging: nothing was heard of it for longer than one waits.

A process that ended is seen at once. One that lives and does nothing any more, after its database crashed under it or
for any other cause, would be noticed by nobody before the morning.
"""

from certification_lib.supervisor.vitals import Vitals

# Seconds without a sign of life: of one that was well since its start, and of one that is still starting.
RUNNING = 60.0
STARTING = 240.0
# Nothing at all gets done, although every component says it is well: a run that is due every minute ended neither.
NOTHING_DONE = 180.0

# Who was not looked at for so long was not running either: the machine slept.
_LONGEST_GAP = 45.0

_API_SERVER = "api-server"
_SCHEDULER = "scheduler"


class Patience:
    """What was heard of each component, and since when each of them runs."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._well_since: dict[str, float] = {}
        self._usable_since = 0.0
        self._looked = 0.0

    def started(self, component: str, at: float) -> None:
        """It was started just now, for the first time or again; what was heard of the one before does not count."""
        self._started[component] = at
        self._heard.pop(component, None)
        self._well_since.pop(component, None)

    def hanging(self, seen: Vitals) -> dict[str, str]:
        """By component that hangs, in words, what was missed. While the database cannot be used nobody is blamed."""
        asleep = seen.at - self._looked > _LONGEST_GAP
        self._looked = seen.at
        if asleep or not seen.database:
            self._usable_since = seen.at
            return {}
        self._note(seen)
        found = {}
        for component, started in self._started.items():
            heard = self._heard.get(component)
            silent = seen.at - max(started, self._usable_since, heard or 0.0)
            if silent > (RUNNING if heard is not None else STARTING):
                found[component] = f"has given no sign of life for {silent:.0f} s"
        # Tasks report to the API server: without it nothing can get done, and the scheduler is not to blame.
        needed = [self._well_since.get(component) for component in (_SCHEDULER, _API_SERVER)]
        if not found and None not in needed:
            idle = seen.at - max(*filter(None, needed), self._usable_since, seen.progress or 0.0)
            if idle > NOTHING_DONE:
                found[_SCHEDULER] = f"has got nothing done for {idle:.0f} s"
        return found

    def _note(self, seen: Vitals) -> None:
        heard = dict(seen.heartbeats)
        if seen.answers:
            heard[_API_SERVER] = seen.at
        for component, at in heard.items():
            if at > self._started.get(component, at):
                self._heard[component] = at
                self._well_since.setdefault(component, at)
