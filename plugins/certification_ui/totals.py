"""The totals of a revision, as the pages name them."""

from certification_lib.reports.shown_totals import (
    Breakdown,
    ViewTotals,
    amount,
    column_label,
    delivered_views,
    shown_totals,
    view_title,
)

__all__ = ["Breakdown", "ViewTotals", "amount", "column_label", "delivered_views", "shown_totals", "view_title"]
