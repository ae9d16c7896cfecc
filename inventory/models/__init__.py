"""Products, places, the ledger (quantity and value, both append-only), levels, reservations.

Quantities are units (int), weights grams, lengths millimetres. Value is in the tenant's base currency, numeric(19,4).
"""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel
from inventory.models.bringing_in import BringIn
from inventory.models.goods import Product, Sku

__all__ = [
    "BringIn",
    "ClosedPeriod",
    "Cost",
    "DailyStock",
    "Level",
    "Location",
    "Lot",
    "Move",
    "PoolState",
    "Product",
    "Reservation",
    "Sku",
    "Stock",
    "Valuation",
    "Warehouse",
]


class Warehouse(TenantModel):
    """A place that holds our goods: own, overseas, third party (3PL) or a platform's (FBA)."""

    OWN, OVERSEAS, TPL, PLATFORM = "own", "overseas", "tpl", "platform"

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, default=OWN)
    country = models.CharField(max_length=2, default="CN")
    timezone = models.CharField(max_length=60, default="Asia/Shanghai")
    sender = models.JSONField(default=dict)  # address printed as sender
    account_ref = models.BigIntegerField(null=True)  # the channel account of a platform warehouse
    pool_ref = models.CharField(max_length=40, default="")  # costing pool; '' = all own warehouses together
    active = models.BooleanField(default=True)
    priority = models.IntegerField(default=100)

    plain = ("code", "name", "kind", "country", "timezone", "pool_ref")


class Location(TenantModel):
    """Where units can be. Every move goes out of one location and into another, so the sum of all is zero.

    The outside world (supplier, customer, scrap, …) has a location per warehouse too: whoever holds the Stock row of
    (warehouse, SKU) is then the only one who writes that warehouse's levels of that SKU, so nobody deadlocks on them.
    """

    STOCK, SUPPLIER, CUSTOMER, TRANSIT, QC, RMA, FROZEN, DAMAGED, SCRAP, GAIN, OPENING, PLATFORM = (
        "stock",
        "supplier",
        "customer",
        "transit",
        "qc",
        "rma",
        "frozen",
        "damaged",
        "scrap",
        "gain",
        "opening",
        "platform",
    )
    # Units at these kinds are ours and have value; the others are the outside world.
    OWNED = (STOCK, TRANSIT, QC, RMA, FROZEN, DAMAGED, PLATFORM)
    # Units at these may be sold: Stock.sellable is their sum. A platform warehouse has `platform` in place of `stock`.
    SELLABLE = (STOCK, PLATFORM)

    id = models.BigAutoField(primary_key=True)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, null=True, related_name="locations")
    kind = models.CharField(max_length=10)
    code = models.CharField(max_length=60)
    pick_order = models.IntegerField(default=0)

    plain = ("kind", "code")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "code"], name="location_once", nulls_distinct=False),
        ]


class Lot(TenantModel):
    """A batch of a SKU (expiry, supplier's number). Optional on every move."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    expires_on = models.DateField(null=True)

    plain = ("code",)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sku", "code"], name="lot_once")]


class Move(TenantModel):
    """One movement of units: append-only (trigger). ``source_kind``/``source_id``/``source_line`` name what caused it.

    Effective order is (effective_at, id). Every insertion is paid by each order line, so there is no index without use.

    ``key`` makes a posting idempotent: the same business act posted twice meets the unique index.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=120)
    effective_at = models.DateTimeField()
    posted_at = models.DateTimeField()
    source_kind = models.CharField(max_length=20)  # receipt, adjust, return, transfer, opening, or the issue's cause
    source_id = models.BigIntegerField(null=True)
    source_line = models.BigIntegerField(null=True)
    from_location = models.ForeignKey(Location, models.PROTECT, related_name="+", db_index=False)
    to_location = models.ForeignKey(Location, models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", db_index=False)
    quantity = models.IntegerField()
    reason = models.CharField(max_length=40, default="", blank=True)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    attrs = models.JSONField(default=dict)  # what later issues need to know about a move; never a column more

    # What sends goods to customers; never brings any in. Nearly all moves are of these kinds.
    ISSUE_KINDS = ("platform", "shipment")

    plain = ("key", "source_kind", "reason", "actor_label")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="move_key_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="move_positive"),
            models.CheckConstraint(
                condition=~models.Q(from_location=models.F("to_location")), name="move_between_two_places"
            ),
        ]
        indexes = [
            models.Index(fields=["sku", "effective_at", "id"], name="move_sku_time"),
            models.Index(
                fields=["sku", "effective_at", "id"],
                name="move_incoming",
                condition=~models.Q(source_kind__in=["platform", "shipment"]),
            ),
            models.Index(fields=["source_kind", "source_id"], name="move_source"),
            models.Index(fields=["reverses"], name="move_reverses", condition=models.Q(reverses__isnull=False)),
        ]


class Valuation(TenantModel):
    """One value entry of a move, for one method and pool: append-only (trigger).

    ``amount`` is signed, in base currency: into the pool positive, out of it negative. ``quantity`` is signed likewise
    (0 on a difference entry). ``unvalued`` counts the units of this entry whose cost is not known yet (Req. 68), signed
    as ``quantity`` is: their value is open, not 0. ``kind``: receipt, issue, difference (something earlier changed;
    ``origin`` names the move that changed it), late_cost, return, transfer, opening, adjust. ``period`` is the first
    day of the period it belongs to. What a move is worth is the sum of its entries of one method and pool.
    """

    FIFO, AVERAGE = "fifo", "avg"
    METHODS = (FIFO, AVERAGE)

    id = models.BigAutoField(primary_key=True)
    move = models.ForeignKey(Move, models.PROTECT, related_name="+", db_index=False)
    method = models.CharField(max_length=4)
    pool = models.CharField(max_length=40, default="")
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12)
    period = models.DateField()
    quantity = models.IntegerField()
    unvalued = models.IntegerField(default=0)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    original_amount = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    original_currency = models.CharField(max_length=3, default="", blank=True)
    rate = models.DecimalField(max_digits=24, decimal_places=10, null=True)
    origin = models.ForeignKey(Move, models.PROTECT, null=True, related_name="+", db_index=False)
    posted_at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    attrs = models.JSONField(default=dict)

    plain = ("method", "pool", "kind", "original_currency", "actor_label")

    class Meta:
        indexes = [
            models.Index(fields=["move", "method"], name="valuation_move"),
            models.Index(fields=["sku", "pool", "method", "id"], name="valuation_sku"),
            models.Index(fields=["period", "method"], name="valuation_period"),
            models.Index(fields=["origin"], name="valuation_origin", condition=models.Q(origin__isnull=False)),
        ]


class Cost(TenantModel):
    """What a receipt cost, as told (append-only): the latest row of a move is in force. Late costs add rows.

    ``amount`` is the total for the whole move in ``currency``; ``rate`` converts to base; ``base_amount`` is derived.
    """

    id = models.BigAutoField(primary_key=True)
    move = models.ForeignKey(Move, models.PROTECT, related_name="+", db_index=False)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=24, decimal_places=10)
    base_amount = models.DecimalField(max_digits=19, decimal_places=4)
    reason = models.CharField(max_length=40, default="", blank=True)
    posted_at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("currency", "reason", "actor_label")

    class Meta:
        indexes = [models.Index(fields=["move", "id"], name="cost_move")]


class PoolState(TenantModel):
    """Where costing stands for (method, pool, SKU): kept beside the entries, provable from them.

    ``layers``: [[move_id, quantity, value or null], …] oldest first, value in 0.0001 of the base currency, null while
    the cost is open. FIFO keeps its layers there. Units issued before anything was there (negative stock) stand there
    under both methods as [issuing move, −units, null] until a receipt comes. ``through_effective``/``through_move``: the
    last move in effective order that was valued; an earlier one makes a replay.
    """

    id = models.BigAutoField(primary_key=True)
    method = models.CharField(max_length=4)
    pool = models.CharField(max_length=40, default="")
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField(default=0)
    unvalued = models.IntegerField(default=0)
    value = models.DecimalField(max_digits=19, decimal_places=4, default=0)
    layers = models.JSONField(default=list)
    through_effective = models.DateTimeField(null=True)
    through_move = models.BigIntegerField(null=True)

    plain = ("method", "pool")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sku", "pool", "method"], name="poolstate_once")]


class Level(TenantModel):
    """Units of a SKU (and lot) at a location; written with the moves in one transaction, provable from them."""

    id = models.BigAutoField(primary_key=True)
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", db_index=False)
    quantity = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "sku", "lot"], name="level_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["sku"], name="level_sku")]


class Stock(TenantModel):
    """The row that buyers race for: (warehouse, SKU) with sellable units and the sum of open reservations.

    Available = sellable − reserved. Locked FOR UPDATE in (warehouse, sku) order by whoever reserves or moves.
    """

    id = models.BigAutoField(primary_key=True)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    sellable = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["warehouse", "sku"], name="stock_once"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="stock_reserved_not_negative"),
        ]
        indexes = [models.Index(fields=["sku"], name="stock_sku")]


class Reservation(TenantModel):
    """Units set aside at (warehouse, SKU) for an owner line. Open while ``closed_at`` is null."""

    UNPAID, PAID, TRANSFER, PLAN = "unpaid", "paid", "transfer", "plan"
    ISSUED, RELEASED, EXPIRED = "issued", "released", "expired"

    id = models.BigAutoField(primary_key=True)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField()
    kind = models.CharField(max_length=10, default=PAID)
    owner_kind = models.CharField(max_length=20)  # order_line
    owner_id = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=10, default="", blank=True)

    plain = ("kind", "owner_kind", "closed_as")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner_kind", "owner_id", "warehouse", "sku"],
                condition=models.Q(closed_at__isnull=True),
                name="reservation_open_once",
            ),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="reservation_positive"),
        ]
        indexes = [
            models.Index(
                fields=["warehouse", "sku"], name="reservation_open", condition=models.Q(closed_at__isnull=True)
            ),
            models.Index(fields=["expires_at"], name="reservation_expiry", condition=models.Q(closed_at__isnull=True)),
        ]


class DailyStock(TenantModel):
    """Sellable units of a SKU in a warehouse at the end of a day of the warehouse's zone: for days without stock."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    zone = models.CharField(max_length=60)
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", db_index=False)
    sellable = models.IntegerField()

    plain = ("zone",)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["warehouse", "sku", "day"], name="dailystock_once")]
        indexes = [models.Index(fields=["sku", "day"], name="dailystock_sku")]


class ClosedPeriod(TenantModel):
    """Months whose value may not change any more; differences go to the first open one."""

    id = models.BigAutoField(primary_key=True)
    period = models.DateField(unique=True)
    closed_at = models.DateTimeField()
    actor_label = models.CharField(max_length=120)

    plain = ("actor_label",)
