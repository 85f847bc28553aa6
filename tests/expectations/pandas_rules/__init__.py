"""The delivered rules a second time, written for pandas by area: what the rule's words say, not what its SQL says.

A rule is a function that is given the rows of all views and gives back one row for each finding, with `district_id`.
"""

import importlib
import pkgutil

from tests.expectations.pandas_rules.registry import PANDAS_RULES

__all__ = ["PANDAS_RULES"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
