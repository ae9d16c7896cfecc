"""The one grammar of every list: tabs with counts, one search, removable filters, keyset pages, selection, bulk acts,
saved views, files.

An app describes its list by a subclass of ``ListPage`` and a ``Table`` (columns of django-tables2), registers it by name
in ``apps.py: ready()`` (``lists.register``), and answers ``lists.show(request, ThingList())``. See ``docs/screens.md``.
"""

from core.ui.lists.bulk import AT_ONCE, Act, act, acts, bulk_job, chosen, do, outcome, selected
from core.ui.lists.contract import (
    ALL_LIMIT,
    SIZES,
    Bulk,
    Empty,
    Filter,
    Freshness,
    ListPage,
    Out,
    Rows,
    State,
    Tab,
    Table,
    counted,
)
from core.ui.lists.registry import address, named, register, registered
from core.ui.lists.showing import columns_shown, kept, query_of, show

__all__ = [
    "ALL_LIMIT",
    "AT_ONCE",
    "SIZES",
    "Act",
    "Bulk",
    "Empty",
    "Filter",
    "Freshness",
    "ListPage",
    "Out",
    "Rows",
    "State",
    "Tab",
    "Table",
    "act",
    "acts",
    "address",
    "bulk_job",
    "chosen",
    "columns_shown",
    "counted",
    "do",
    "kept",
    "named",
    "outcome",
    "query_of",
    "register",
    "registered",
    "selected",
    "show",
]
