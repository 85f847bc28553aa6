"""The product's pages and REST routes, mounted by Airflow's API server at /certification.

app: puts it together. guard, csrf, auth, deps: who may come in and what a request has at hand. urls, words, view: what
every page shares. pages: one module per kind of screen. Nothing here decides what may happen: the services do.
"""
