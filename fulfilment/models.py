"""The warehouse floor: what was weighed, by whom, against what was expected."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class Weighing(TenantModel):
    """One weighing of a parcel. ``verdict``: ok, over, under (outside the tolerance; accepted by a person or not)."""

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey("logistics.Shipment", models.CASCADE, related_name="+")
    weight_g = models.IntegerField()
    length_mm = models.IntegerField(null=True)
    width_mm = models.IntegerField(null=True)
    height_mm = models.IntegerField(null=True)
    expected_g = models.IntegerField()
    volumetric_g = models.IntegerField(default=0)
    chargeable_g = models.IntegerField()
    verdict = models.CharField(max_length=8)
    accepted = models.BooleanField(default=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("verdict", "actor_label")

    class Meta:
        indexes = [models.Index(fields=["shipment", "id"], name="weighing_shipment")]
