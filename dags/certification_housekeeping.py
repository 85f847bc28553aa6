"""What has to happen whatever the events do: deliver mail, update assets, mend manifests, start what was forgotten.

When: mail and assets every minute, the rest every five, the audit trail and what is past its days every night; all on
Airflow's own timetables, so that they also run, and alarm, where the timetable of the events is missing.
Needs: the connections `certification_db` and `smtp_default`.
"""

from airflow.sdk import DAG

from certification_lib.orchestration.standing_dags import (
    assets_dag,
    audit_dag,
    housekeeping_dag,
    mail_dag,
    reports_dag,
    retention_dag,
)

mail: DAG = mail_dag()
assets: DAG = assets_dag()
housekeeping: DAG = housekeeping_dag()
audit: DAG = audit_dag()
reports: DAG = reports_dag()
retention: DAG = retention_dag()
