"""The DAGs of published certification events, one an event: part 11 of 16.

Why: an event's dates are its schedule, and operators see every step of every event in Airflow.
When: at exactly the milestones of the event's plan: publication, snapshots, window, reminders.
Parts: see certification_lib/orchestration/parts.py.
Needs: the manifests that publishing writes (`certify manifests rebuild` writes them anew). No database is read here.
"""

from certification_lib.orchestration.dag_factory import dags_of_part

globals().update(dags_of_part(11))
