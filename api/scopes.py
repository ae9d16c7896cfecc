"""What a key can be allowed to do: the business's own operations, as far as the interface has something for them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from api import permissions as own
from channels import permissions as channels
from core.permissions import SEE_COST, SEE_PERSONAL
from crm import permissions as crm
from fba import permissions as fba
from fulfilment import permissions as floor
from inventory import permissions as goods
from logistics import permissions as parcels
from orders import permissions as orders

# (heading, operations) as the key's form shows them; each has the sentence ``scope.<operation>``.
GROUPS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (
        _("Orders and customers"),
        (orders.VIEW, orders.EDIT, orders.HOLD, orders.ROUTE, orders.BOOK, orders.CANCEL),
    ),
    (
        _("Products and stock"),
        (goods.VIEW, goods.EDIT_CATALOGUE, goods.RECEIVE, goods.ADJUST, goods.OPENING, own.RESERVE),
    ),
    (_("Parcels"), (parcels.VIEW, parcels.LABEL, floor.SHIP, floor.OVERRIDE)),
    (_("Messages"), (crm.VIEW, crm.ANSWER)),
    (_("Restock"), (fba.VIEW,)),
    (_("Channels"), (channels.VIEW,)),
    (_("Long work"), (own.JOBS,)),
    (_("Fields that are hidden otherwise"), (SEE_PERSONAL, SEE_COST)),
)
ALL = frozenset(operation for _heading, operations in GROUPS for operation in operations)
READING = frozenset({orders.VIEW, goods.VIEW, parcels.VIEW, crm.VIEW, fba.VIEW, channels.VIEW, own.JOBS})
# What an operation's services ask for besides: whoever may book an order may have its parcel booked.
IMPLIED = {orders.BOOK: frozenset({parcels.BOOK})}


def rights(chosen: frozenset[str]) -> frozenset[str]:
    """The operations that a key with these scopes has."""
    return chosen.union(*(IMPLIED.get(one, frozenset()) for one in chosen))
