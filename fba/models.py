"""Restock: what to send or buy, with every term of the number kept so that the page can show why."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class RestockRun(TenantModel):
    """One computation over all SKUs; the newest finished one is what the page shows."""

    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    zone = models.CharField(max_length=60)
    day = models.DateField()
    settings = models.JSONField(default=dict)
    lines_count = models.IntegerField(default=0)
    actor_label = models.CharField(max_length=120)

    plain = ("zone", "actor_label")


class RestockLine(TenantModel):
    """The suggestion for a SKU: at one platform account and marketplace, or for one own warehouse.

    ``terms``: every figure it was computed from, packed by ``fba.terms``. ``velocity`` and all quantities in units.
    """

    OUT, LATE, DUE, OK, EXCESS, IDLE = "out", "late", "due", "ok", "excess", "idle"
    URGENCIES = (OUT, LATE, DUE, OK, EXCESS, IDLE)

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(RestockRun, models.CASCADE, related_name="+")
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+")
    account = models.ForeignKey("channels.Account", models.PROTECT, null=True, related_name="+")
    marketplace = models.CharField(max_length=20, default="", blank=True)
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, null=True, related_name="+")
    velocity = models.FloatField()  # units a day
    position = models.IntegerField()
    cover_days = models.FloatField(null=True)
    stockout_on = models.DateField(null=True)
    order_by = models.DateField(null=True)
    send = models.IntegerField()
    buy = models.IntegerField()
    urgency = models.CharField(max_length=10)  # out, late, due, ok, excess, idle
    terms = models.JSONField()

    plain = ("marketplace", "urgency")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "sku", "account", "marketplace", "warehouse"],
                name="restockline_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["run", "urgency", "order_by", "id"], name="restockline_urgency")]


class RestockChoice(TenantModel):
    """What somebody decided for one SKU: it wins over the tenant's settings in every later run.

    ``safety_days``: days of safety stock; ``growth``: the coming days' sales against those measured (1 = the same).
    Lead time and least quantity stand with the SKU itself.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.OneToOneField("inventory.Sku", models.CASCADE, related_name="+")
    safety_days = models.FloatField(null=True)
    growth = models.FloatField(null=True)
    decided_at = models.DateTimeField()
    actor_label = models.CharField(max_length=120)

    plain = ("actor_label",)
