"""The only package that knows Airflow: it turns published events into DAGs and steps into calls of the library.

timetable: when runs happen and what they are called. dag_factory: one manifest, one DAG. tasks: the steps, two lines
around a use case each. housekeeping: the steps that belong to no event. connections: Airflow's connections as
addresses. triggering: asking Airflow to look now. accounts: roles and sign-ins. preload: Great Expectations before forks.
"""
