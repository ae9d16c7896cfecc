"""The centre: customers, orders and their lines, consignments, rule sets, former addresses, kept counts, search."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from core.tenancy import TenantModel


class Customer(TenantModel):
    """One person or firm; its identities per account say under which name it buys where."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200, default="", blank=True)
    country = models.CharField(max_length=2, default="", blank=True)
    orders = models.IntegerField(default=0)
    first_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    personal = ("name",)
    plain = ("country",)


class CustomerIdentity(TenantModel):
    """A buyer as one account knows it (eBay user id, Amazon's relay address …)."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("channels.Account", models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=160)
    member_name = models.CharField(max_length=200, default="", blank=True)
    email = models.CharField(max_length=254, default="", blank=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities")

    personal = ("external_id", "member_name", "email")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="identity_once")]


class Order(TenantModel):
    """A sales order. *Channel status* and *workflow state* are two things (architecture §3).

    ``channel_status`` is the platform's word mapped to canonical (pending, paid, partly_shipped, shipped, cancelled,
    refunded, unknown), ``channel_raw`` its own word; may go backwards. ``state`` is ours; see ``orders.states``.
    Money is in ``currency`` (the order's own). Receiver, buyer (member) and customer are three things (Req. 65).
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("channels.Account", models.PROTECT, related_name="+", null=True)
    platform = models.CharField(max_length=40, default="")
    external_id = models.CharField(max_length=120)
    channel_status = models.CharField(max_length=14)
    channel_raw = models.CharField(max_length=60, default="", blank=True)
    channel_updated_at = models.DateTimeField()
    state = models.CharField(max_length=12)
    state_at = models.DateTimeField()
    reason_code = models.CharField(max_length=80, default="", blank=True)  # why held, short, address, failed …
    reason_params = models.JSONField(null=True)
    conflict = models.CharField(max_length=40, default="", blank=True)  # e.g. cancelled_after_handover
    platform_fulfilled = models.BooleanField(default=False)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    ship_by = models.DateTimeField(null=True)
    deliver_by = models.DateTimeField(null=True)
    currency = models.CharField(max_length=3)
    items_total = models.DecimalField(max_digits=19, decimal_places=4)
    shipping_total = models.DecimalField(max_digits=19, decimal_places=4)
    tax_total = models.DecimalField(max_digits=19, decimal_places=4)
    discount_total = models.DecimalField(max_digits=19, decimal_places=4)
    grand_total = models.DecimalField(max_digits=19, decimal_places=4)
    lines_count = models.SmallIntegerField()
    units = models.IntegerField()
    weight_g = models.IntegerField(null=True)
    first_sku = models.CharField(max_length=80, default="", blank=True)
    first_title = models.CharField(max_length=200, default="", blank=True)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    buyer_id = models.CharField(max_length=160, default="", blank=True)
    buyer_name = models.CharField(max_length=200, default="", blank=True)
    buyer_email = models.CharField(max_length=254, default="", blank=True)
    buyer_note = models.TextField(default="", blank=True)
    service_asked = models.CharField(max_length=120, default="", blank=True)  # what the buyer chose at the platform
    ship_name = models.CharField(max_length=200, default="", blank=True)
    ship_company = models.CharField(max_length=200, default="", blank=True)
    ship_lines = models.JSONField(default=list)
    ship_city = models.CharField(max_length=120, default="", blank=True)
    ship_district = models.CharField(max_length=120, default="", blank=True)
    ship_region = models.CharField(max_length=120, default="", blank=True)
    ship_postcode = models.CharField(max_length=30, default="", blank=True)
    ship_country = models.CharField(max_length=2, default="", blank=True)
    ship_phone = models.CharField(max_length=60, default="", blank=True)
    ship_email = models.CharField(max_length=254, default="", blank=True)
    address_edited = models.BooleanField(default=False)  # a person changed it: the channel overwrites it no more
    ship_reference = models.CharField(max_length=80, default="", blank=True)  # eBay's logistics provider reference
    merge_key = models.CharField(max_length=40, default="", blank=True)  # keyed hash
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, null=True, related_name="+")
    service = models.ForeignKey("logistics.Service", models.PROTECT, null=True, related_name="+")
    tags = ArrayField(models.CharField(max_length=40), default=list)
    trace = models.JSONField(null=True)  # decision and compact rule trace
    hold_until = models.DateTimeField(null=True)
    assignee_id = models.BigIntegerField(null=True)
    combined_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    raw_id_ref = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.IntegerField(default=1)  # for edits in the browser: two people, one order
    purged_at = models.DateTimeField(null=True)

    personal = (
        "buyer_id",
        "buyer_name",
        "buyer_email",
        "buyer_note",
        "ship_name",
        "ship_company",
        "ship_lines",
        "ship_city",
        "ship_district",
        "ship_postcode",
        "ship_phone",
        "ship_email",
    )
    plain = (
        "platform",
        "external_id",
        "channel_status",
        "channel_raw",
        "state",
        "reason_code",
        "conflict",
        "currency",
        "first_sku",
        "first_title",
        "service_asked",
        "ship_region",
        "ship_country",
        "ship_reference",
        "merge_key",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="order_once")]
        indexes = [
            models.Index(fields=["state", "-placed_at", "-id"], name="order_state_time"),
            models.Index(fields=["account", "state", "-placed_at", "-id"], name="order_account_state_time"),
            models.Index(fields=["-placed_at", "-id"], name="order_time"),
            models.Index(fields=["customer"], name="order_customer"),
            models.Index(
                fields=["ship_by"],
                name="order_due",
                condition=models.Q(
                    state__in=[
                        "new",
                        "unmatched",
                        "address",
                        "held",
                        "short",
                        "ready",
                        "booking",
                        "failed",
                        "booked",
                        "packed",
                    ]
                ),
            ),
            models.Index(
                fields=["merge_key"],
                name="order_merge",
                condition=models.Q(state__in=["new", "held", "short", "ready"]),
            ),
            # Few orders have somebody: the others pay nothing for it.
            models.Index(
                fields=["assignee_id", "-placed_at", "-id"],
                name="order_assignee",
                condition=models.Q(assignee_id__isnull=False),
            ),
        ]

    @property
    def number(self) -> str:
        return f"S-{self.id}"


class OrderLine(TenantModel):
    """A line as sold. ``units`` = quantity × units per listing, in units of ``sku``. Prices per sold piece."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    account = models.ForeignKey("channels.Account", models.PROTECT, related_name="+", null=True)
    external_line_id = models.CharField(max_length=120)
    seller_sku = models.CharField(max_length=120, default="", blank=True)
    external_item_id = models.CharField(max_length=120, default="", blank=True)
    title = models.CharField(max_length=300, default="", blank=True)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, null=True, related_name="+")
    quantity = models.IntegerField()
    cancelled = models.IntegerField(default=0)
    shipped = models.IntegerField(default=0)
    units = models.IntegerField()
    unit_price = models.DecimalField(max_digits=19, decimal_places=4)
    line_total = models.DecimalField(max_digits=19, decimal_places=4)
    tax = models.DecimalField(max_digits=19, decimal_places=4, default=0)
    discount = models.DecimalField(max_digits=19, decimal_places=4, default=0)

    plain = ("external_line_id", "seller_sku", "external_item_id", "title")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "external_line_id"], name="line_once")]
        indexes = [
            models.Index(fields=["order"], name="line_order"),
            models.Index(fields=["sku"], name="line_sku"),
            models.Index(fields=["account", "seller_sku"], name="line_unmatched", condition=models.Q(sku__isnull=True)),
        ]


class OrderSearch(TenantModel):
    """One row per order: hashed n-grams for finding, normalised text for the exact check (``core.textnorm``)."""

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="+")
    grams = ArrayField(models.IntegerField())
    text = models.TextField()

    personal = ("text",)

    class Meta:
        indexes = [GinIndex(fields=["grams"], name="ordersearch_grams")]


class OrderCount(TenantModel):
    """Kept counts for tabs: rows are added by a statement trigger on Order and summed up now and then; never a scan."""

    id = models.BigAutoField(primary_key=True)
    account_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=12)
    n = models.IntegerField()

    plain = ("state",)


class Consignment(TenantModel):
    """Part of an order that leaves one warehouse in one parcel; joins order and shipment."""

    OPEN, CANCELLED = "open", "cancelled"

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="consignments")
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+")
    service = models.ForeignKey("logistics.Service", models.PROTECT, null=True, related_name="+")
    shipment = models.OneToOneField("logistics.Shipment", models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, default=OPEN)
    issued_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    plain = ("state",)

    class Meta:
        indexes = [models.Index(fields=["order"], name="consignment_order")]


class ConsignmentLine(TenantModel):
    id = models.BigAutoField(primary_key=True)
    consignment = models.ForeignKey(Consignment, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="+")
    quantity = models.IntegerField()  # sold pieces

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consignment", "line"], name="consignmentline_once")]
        indexes = [models.Index(fields=["line"], name="consignmentline_line")]


class RuleSet(TenantModel):
    """A published version of the routing rules (ordered); the newest published one is in force. Never changed."""

    id = models.BigAutoField(primary_key=True)
    version = models.IntegerField(unique=True)
    rules = models.JSONField()  # [{id, version, name, conditions, actions, stop}, …]
    note = models.CharField(max_length=200, default="", blank=True)
    published_at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("note", "actor_label")


class RuleDraft(TenantModel):
    """The rules being edited; one per tenant."""

    id = models.BigAutoField(primary_key=True)
    rules = models.JSONField()
    based_on = models.IntegerField(default=0)
    updated_at = models.DateTimeField()
    actor_label = models.CharField(max_length=120)

    plain = ("actor_label",)


class FormerAddress(TenantModel):
    """An address before it was changed: for undo and disputes; purged, which is why it is not in the audit trail."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="+")
    address = models.JSONField()
    replaced_at = models.DateTimeField()
    replaced_by = models.CharField(max_length=120)
    purge_at = models.DateTimeField()

    personal = ("address",)
    plain = ("replaced_by",)


class ReturnCase(TenantModel):
    """Goods that come back, or are announced to: linked to the order they belong to."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="returns")
    external_id = models.CharField(max_length=120, default="", blank=True)
    state = models.CharField(max_length=12)  # announced, received, closed
    lines = models.JSONField()
    created_at = models.DateTimeField()

    plain = ("external_id", "state")


# -- what persons do to single orders: small tables of their own, the hot rows pay nothing for them ---------------------

MANUAL = "manual"  # ``Order.platform`` of an order that a person entered: there is no marketplace behind it


class ManualOrder(TenantModel):
    """An order that a person entered. Its number (``Order.external_id``) is ``M-<id>``; ``token`` is the form's, so that
    a form sent twice makes one order. ``copied_from``: the order that this one sends again."""

    id = models.BigAutoField(primary_key=True)
    token = models.UUIDField(unique=True)
    order = models.OneToOneField(Order, models.CASCADE, null=True, related_name="+")
    reference = models.CharField(max_length=80, default="", blank=True)  # the seller's own: a customer's PO, a call
    reference_key = models.CharField(max_length=80, default="", blank=True)  # squashed, for finding it again
    copied_from = models.ForeignKey(Order, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    plain = ("reference", "reference_key")

    class Meta:
        indexes = [
            models.Index(fields=["reference_key"], name="manual_reference", condition=models.Q(reference_key__gt="")),
            models.Index(fields=["copied_from"], name="manual_copied", condition=models.Q(copied_from__isnull=False)),
        ]


class LineEdit(TenantModel):
    """What a person changed of a line that a marketplace knows. The line's own figures stay what the marketplace told;
    its ``sku`` and ``units`` are what is sent, and this row keeps newer revisions from taking that back.

    ``most``: of the sold pieces at most so many are sent (None: all); only those are ever confirmed.
    ``per_piece``: units of the SKU in one sold piece, as the person said. ``sku_was``, ``per_was``: before the first edit.
    """

    line = models.OneToOneField(OrderLine, models.CASCADE, primary_key=True, related_name="+")
    most = models.IntegerField(null=True)
    per_piece = models.IntegerField(null=True)
    sku_was = models.ForeignKey("inventory.Sku", models.PROTECT, null=True, related_name="+")
    per_was = models.IntegerField(default=1)
    at = models.DateTimeField()


class RouteOverride(TenantModel):
    """A person's choice of warehouse or service: it stands above the rules, whenever the order is routed again."""

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="+")
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, null=True, related_name="+")
    service = models.ForeignKey("logistics.Service", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, default="", blank=True)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    plain = ("note", "actor_label")


class OrderNote(TenantModel):
    """What colleagues tell each other about an order. It may name persons, so it goes with the order's personal data."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()
    author_id = models.BigIntegerField(null=True)
    author_label = models.CharField(max_length=120)

    personal = ("text",)
    plain = ("author_label",)

    class Meta:
        indexes = [models.Index(fields=["order", "id"], name="ordernote_order")]


from orders.models_rules import RuleTrial, RuleTrialRow  # noqa: E402, F401
