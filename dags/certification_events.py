"""One Airflow DAG for each published certification event.

Why: an event's dates are its schedule, and operators see every step of every event in Airflow.
When: at exactly the milestones of the event's plan: publication, snapshots, window, reminders.
Needs: the manifests that publishing writes (`certify manifests rebuild` writes them anew). No database is read here.
"""

from airflow.sdk import get_parsing_context

from certification_lib.orchestration.dag_factory import event_dags
from certification_lib.settings import load_settings

for dag in event_dags(load_settings().manifest_folder, only=get_parsing_context().dag_id):
    globals()[dag.dag_id] = dag
