"""A sheet that somebody brings in: SKUs, opening stock, matches of listings; kept as the history of imports."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class BringIn(TenantModel):
    """One file and what became of it.

    ``mapping``: {column from "0": field of its kind}. ``options``: {what holds for all rows: warehouse, account, …}.
    ``counts``: {new, changed, same, refused} of the last pass; ``errors``: [[line, field, code, params], …] of it, the
    first ones only. A pass writes counts and errors with each batch, in the batch's own transaction.
    """

    DRAFT, CHECKING, CHECKED, RUNNING, DONE = "draft", "checking", "checked", "running", "done"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    file_ref = models.BigIntegerField()  # the stored file
    headings = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    total = models.IntegerField(default=0)
    state = models.CharField(max_length=10, default=DRAFT)
    counts = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    job_ref = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)

    plain = ("kind", "name", "state", "actor_label")

    class Meta:
        indexes = [models.Index(fields=["actor_id", "-id"], name="bringin_actor")]
