#!/usr/bin/env bash
# The init job of docker-compose.yaml: everything that must be true before the first component starts. Safe to repeat.
set -euo pipefail

certify db upgrade
airflow db migrate
airflow pools set certification_snapshots 2 "Snapshots that may read the source at once"
certify rules sync
certify roles sync
if ! airflow users list --output plain | awk '{print $2}' | grep --quiet --line-regexp admin; then
  airflow users create --username admin --firstname Airflow --lastname Administrator --role Admin \
    --email admin@accounts.invalid --password "$ADMINISTRATOR_PASSWORD"
fi
# The volume is made by root; the components are not.
certify manifests rebuild
