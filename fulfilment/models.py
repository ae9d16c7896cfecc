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


class LabelPrint(TenantModel):
    """One time that a parcel's label came out on paper. ``nth`` 1 is the first; later ones say why (``reason``).

    ``sheet_id``: the stored file of the sheet it stood on; it lives a day, the entry stays.
    """

    PRINTER, DAMAGED, LOST, SIZE, OTHER = "printer", "damaged", "lost", "size", "other"
    REASONS = (PRINTER, DAMAGED, LOST, SIZE, OTHER)
    ONE, A4X2, A4X4 = "label", "a4x2", "a4x4"  # labels on a page: one of its own size, two or four on A4
    LAYOUTS = (ONE, A4X2, A4X4)

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey("logistics.Shipment", models.CASCADE, related_name="+", db_index=False)
    nth = models.SmallIntegerField()
    reason = models.CharField(max_length=10, default="", blank=True)
    layout = models.CharField(max_length=10)
    sheet_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("reason", "layout", "actor_label")

    class Meta:
        indexes = [models.Index(fields=["shipment", "-id"], name="labelprint_shipment")]


class AlarmMark(TenantModel):
    """A person's word on an alarm of a parcel: settled, or asleep until ``until``.

    It holds for what the person saw: news of the parcel after ``at`` make the alarm ring again.
    """

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey("logistics.Shipment", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12)
    until = models.DateTimeField(null=True)  # null: settled
    note = models.CharField(max_length=300, default="", blank=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    personal = ("note",)
    plain = ("kind", "actor_label")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shipment", "kind"], name="alarmmark_once")]


class ManifestPrint(TenantModel):
    """One time that a hand-over list was opened to be printed again."""

    id = models.BigAutoField(primary_key=True)
    manifest = models.ForeignKey("logistics.Manifest", models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("actor_label",)
