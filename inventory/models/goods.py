"""Products and SKUs: what is sold and stocked. Weights in grams, lengths in millimetres, customs value in its currency."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from core.tenancy import TenantModel
from inventory.finding import of_product, of_sku


class Product(TenantModel):
    """What holds variants together. ``grams``: what it is found by; ``updated_at``: which version a person has before him."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=300)
    title_zh = models.CharField(max_length=300, default="", blank=True)
    grams = ArrayField(models.IntegerField(), default=list, db_default=[])
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_default=Now())

    plain = ("code", "title", "title_zh")

    class Meta:
        indexes = [GinIndex(fields=["grams"], name="product_grams")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is None:
            self.grams = of_product(self)
        super().save(*args, **kwargs)


class Sku(TenantModel):
    """A stock keeping unit. ``code_key`` is the code normalised (NFKC, upper case, no inner spaces): unique.

    ``barcode``: EAN, UPC or the seller's own, as scanned. ``grams``: what it is found by (``inventory.finding``).
    """

    ACTIVE, DISCONTINUED = "active", "discontinued"

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="skus")
    code = models.CharField(max_length=80)
    code_key = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=300, default="", blank=True)
    title_zh = models.CharField(max_length=300, default="", blank=True)
    barcode = models.CharField(max_length=40, default="", db_default="", blank=True)
    state = models.CharField(max_length=12, default=ACTIVE)
    successor = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    weight_g = models.IntegerField(null=True)
    length_mm = models.IntegerField(null=True)
    width_mm = models.IntegerField(null=True)
    height_mm = models.IntegerField(null=True)
    hs_code = models.CharField(max_length=12, default="", blank=True)
    customs_name_en = models.CharField(max_length=120, default="", blank=True)
    customs_name_zh = models.CharField(max_length=120, default="", blank=True)
    customs_value = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    customs_currency = models.CharField(max_length=3, default="USD")
    origin_country = models.CharField(max_length=2, default="CN")
    battery = models.BooleanField(default=False)
    tags = models.JSONField(default=list)
    moq = models.IntegerField(default=1)
    carton = models.IntegerField(default=1)
    lead_days = models.IntegerField(default=30)
    grams = ArrayField(models.IntegerField(), default=list, db_default=[])
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    plain = (
        "code",
        "code_key",
        "title",
        "title_zh",
        "barcode",
        "state",
        "hs_code",
        "customs_name_en",
        "customs_name_zh",
        "customs_currency",
        "origin_country",
    )

    class Meta:
        indexes = [
            GinIndex(fields=["grams"], name="sku_grams"),
            models.Index(fields=["barcode"], name="sku_barcode", condition=~models.Q(barcode="")),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is None:
            self.grams = of_sku(self)
        super().save(*args, **kwargs)
