"""`certify demo`: a whole certification event on real data in a real Airflow, acted by its people over REST.

run: the steps in order. story: what each person does. client: REST as a person. check: results against injected errors.
"""
