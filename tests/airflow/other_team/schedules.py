"""Another team's Airflow DAGs, as `docs/datamart.md` shows them: one run a district, and one for whatever happened."""

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

with DAG("district_approved", schedule=PartitionedAssetTimetable(assets=Asset("certification_approved"))):

    @task
    def load(*, dag_run=None) -> str:
        event, district = dag_run.partition_key.split("|")
        return f"{district} of {event}"

    load()

with DAG("something_happened", schedule=[Asset("certification_event")]):

    @task
    def refresh() -> None:
        """Whatever the other team does."""

    refresh()
