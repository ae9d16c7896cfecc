"""What is done to many SKUs at once; the worker does the same when there are too many for a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import ngettext

from core.permissions import Actor
from core.ui import lists
from inventory import permissions, queries_page
from inventory.services import products
from inventory.services.products import Outcome


def _act(
    name: str,
    do: Callable[[Actor, Sequence[int], Mapping[str, Any]], Outcome],
    said: Callable[[int], str],
) -> lists.Act:
    return lists.act(
        lists.Act(
            f"skus.{name}",
            permissions.EDIT_CATALOGUE,
            do,
            title_code=f"job.skus.{name}",
            said=lambda n: said(n).format(n=n),
            label=queries_page.code_of,
            opens="inventory:sku",
        )
    )


PRODUCT = _act(
    "product",
    lambda actor, ids, given: products.put_into(actor=actor, sku_ids=ids, code=given["product"]),
    lambda n: ngettext("{n} SKU moved.", "{n} SKUs moved.", n),
)
STOP = _act(
    "stop",
    lambda actor, ids, given: products.sell(actor=actor, sku_ids=ids, wanted=False),
    lambda n: ngettext("{n} SKU is not sold any more.", "{n} SKUs are not sold any more.", n),
)
SELL = _act(
    "sell",
    lambda actor, ids, given: products.sell(actor=actor, sku_ids=ids, wanted=True),
    lambda n: ngettext("{n} SKU is sold again.", "{n} SKUs are sold again.", n),
)
