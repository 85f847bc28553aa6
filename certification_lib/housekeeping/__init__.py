"""What the product does by itself, whatever is published: how each step went the last time, for a page and for metrics.

rules: the steps and when one is silent for too long. models: one row a step. service: noting. queries: the status, and
the audit trail's check that begins where last night's ended.
"""
