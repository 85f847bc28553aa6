"""The only package that knows Airflow: it turns published events into DAGs and steps into calls of the library.

timetable: when runs happen and what they are called. dag_factory: one manifest, one DAG. steps, tasks: what an event's
DAG does. standing_dags, housekeeping, assets: the DAGs that exist once. requests, resuming: the names of runs that
people's acts start. connections: Airflow's connections as addresses. triggering: asking Airflow to look now. accounts:
roles and sign-ins. pool, preload: what a starting scheduler does before its workers are forked.
"""
