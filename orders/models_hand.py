"""What persons do to single orders. Small tables of their own: the hot rows of orders and lines pay nothing for them."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel

MANUAL = "manual"  # ``Order.platform`` of an order that a person entered: there is no marketplace behind it


class ManualOrder(TenantModel):
    """An order that a person entered. Its number (``Order.external_id``) is ``M-<id>``; ``token`` is the form's, so that
    a form sent twice makes one order. ``copied_from``: the order that this one sends again."""

    id = models.BigAutoField(primary_key=True)
    token = models.UUIDField(unique=True)
    order = models.OneToOneField("orders.Order", models.CASCADE, null=True, related_name="+")
    reference = models.CharField(max_length=80, default="", blank=True)  # the seller's own: a customer's PO, a call
    reference_key = models.CharField(max_length=80, default="", blank=True)  # squashed, for finding it again
    copied_from = models.ForeignKey("orders.Order", models.SET_NULL, null=True, related_name="+")
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

    line = models.OneToOneField("orders.OrderLine", models.CASCADE, primary_key=True, related_name="+")
    most = models.IntegerField(null=True)
    per_piece = models.IntegerField(null=True)
    sku_was = models.ForeignKey("inventory.Sku", models.PROTECT, null=True, related_name="+")
    per_was = models.IntegerField(default=1)
    at = models.DateTimeField()


class RouteOverride(TenantModel):
    """A person's choice of warehouse or service: it stands above the rules, whenever the order is routed again."""

    order = models.OneToOneField("orders.Order", models.CASCADE, primary_key=True, related_name="+")
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
    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()
    author_id = models.BigIntegerField(null=True)
    author_label = models.CharField(max_length=120)

    personal = ("text",)
    plain = ("author_label",)

    class Meta:
        indexes = [models.Index(fields=["order", "id"], name="ordernote_order")]
