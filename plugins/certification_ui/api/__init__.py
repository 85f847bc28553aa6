"""The REST interface: JSON in, JSON out, the same services as the pages, refusals as problem+json.

once: a POST with an Idempotency-Key is done once. answers: read models as JSON. One module per noun of the address.
"""

from certification_ui.api.router import routers

__all__ = ["routers"]
