"""Rules tried on orders: what each order's route would be, kept for a while so that it can be paged and acted upon."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.tenancy import TenantModel


class RuleTrial(TenantModel):
    """A dry run of ``rules`` over orders, or (``kind`` reroute) of a version in force over the open ones.

    ``base``: the version that they are compared with (reroute: each order's own). ``scope``: which orders, as asked for.
    ``figures``: ``{"kinds": {service: n…}, "rules": {rule: [decided before, after]}, "left": {reason: n}}``.
    """

    DRAFT, REROUTE = "draft", "reroute"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8)
    base = models.IntegerField()
    version = models.IntegerField(null=True)  # of a reroute: the one whose routes they are
    rules = models.JSONField()
    scope = models.JSONField()
    job_id = models.BigIntegerField(null=True)
    orders = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    figures = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("kind", "actor_label")


class RuleTrialRow(TenantModel):
    """One order of a trial. ``before`` is empty where nothing changes; ``kinds`` says what does."""

    id = models.BigAutoField(primary_key=True)
    trial = models.ForeignKey(RuleTrial, models.CASCADE, related_name="+", db_index=False)
    order_ref = models.BigIntegerField()
    changed = models.BooleanField()
    kinds = ArrayField(models.CharField(max_length=10), default=list)
    before = models.JSONField(null=True)
    after = models.JSONField()

    class Meta:
        indexes = [
            models.Index(fields=["trial", "id"], name="trialrow_trial"),
            models.Index(fields=["trial", "id"], name="trialrow_changed", condition=models.Q(changed=True)),
        ]
