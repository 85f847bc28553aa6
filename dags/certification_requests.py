"""Snapshots and validations that people asked for in the pages or over REST.

Why: an event's own DAG does one thing after the other; a district must not wait behind a statewide snapshot.
When: the API server starts a run for what waits; clicks that come while it waits join it. Housekeeping starts what was
forgotten. What is done is decided by our tables, not by who starts this DAG or with which parameters.
Needs: the pool `certification_snapshots`, which `certify up` and the init job make.
"""

from airflow.sdk import DAG

from certification_lib.orchestration.standing_dags import requests_dag

dag: DAG = requests_dag()
