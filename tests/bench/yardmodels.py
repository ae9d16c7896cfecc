"""The yardstick's tables as plain Django sees them."""

from __future__ import annotations

from django.db import models


class YardOrder(models.Model):
    """The yardstick's table as plain Django sees it."""

    account = models.IntegerField()
    external = models.TextField()
    status = models.TextField()
    placed = models.DateTimeField()
    total = models.DecimalField(max_digits=19, decimal_places=4)
    name = models.TextField()
    raw = models.JSONField()

    class Meta:
        managed = False
        app_label = "bench"
        db_table = 'yard"."orders'


class YardLine(models.Model):
    order = models.ForeignKey(YardOrder, models.DO_NOTHING, related_name="lines")
    sku = models.IntegerField()
    quantity = models.IntegerField()
    price = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        managed = False
        app_label = "bench"
        db_table = 'yard"."lines'
