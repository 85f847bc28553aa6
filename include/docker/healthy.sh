#!/usr/bin/env bash
# healthy.sh COMMAND…: a health check of docker-compose.yaml that acts.
#
# Compose shows that a container is unhealthy and leaves it at that. Here a component that was well and fails three
# checks in a row is ended, and `restart:` of the compose file starts it again; one that is still starting gets ten.
# It needs `init: true`: as process 1 of its container a component could not be ended from inside.
set -u

init="${INIT_PROCESS:-1}"
# The container's files outlive a restart of it, so what was noted goes by when its first process started.
noted="${TMPDIR:-/tmp}/health-of-$(cut -d ' ' -f 22 "/proc/$init/stat")"

if timeout 20 "$@" >/dev/null 2>&1; then
  echo well >"$noted"
  exit 0
fi
echo failed >>"$noted"
allowed=10
if grep -q well "$noted"; then allowed=3; fi
if [ "$(grep -c failed "$noted")" -ge "$allowed" ]; then
  rm -f "$noted"
  echo "No sign of life: ending this component, which restarts its container." >"/proc/$init/fd/2" 2>/dev/null || true
  # shellcheck disable=SC2046 # several processes are several words
  kill -KILL $(cat "/proc/$init/task/$init/children")
fi
exit 1
