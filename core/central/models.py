"""What all tenants share in ``public``: the outbox, the due-table, the webhook inbox. Rows name a schema, never a key."""

from __future__ import annotations

from django.db import models


class Outbox(models.Model):
    """One row per (event, handler). Closed rows are deleted: polling costs what is open, not what has been.

    A *stream* is (schema, handler, stream): its rows are handled in id order. ``ready`` → ``leased`` → gone, or back
    to ``ready`` with a later ``available_at``, or ``dead`` (on the dead-letter desk).
    """

    READY, LEASED, DEAD = 0, 1, 2

    id = models.BigAutoField(primary_key=True)
    schema = models.CharField(max_length=63)
    event = models.CharField(max_length=80)
    handler = models.CharField(max_length=120)
    stream = models.CharField(max_length=120, default="")
    payload = models.JSONField()
    state = models.SmallIntegerField(default=READY)
    attempt = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)

    class Meta:
        constraints = [
            # Two workers never hold the same stream, whatever else goes wrong.
            models.UniqueConstraint(
                fields=["schema", "handler", "stream"], name="outbox_one_lease", condition=models.Q(state=1)
            ),
        ]
        indexes = [
            models.Index(
                fields=["schema", "handler", "stream", "id"],
                include=["state", "available_at"],
                name="outbox_heads",
                condition=models.Q(state__lt=2),
            ),
            models.Index(fields=["schema", "handler", "stream", "id"], name="outbox_dead", condition=models.Q(state=2)),
        ]


class Due(models.Model):
    """Recurring work, one row per (schema, job, key); claimed by lease when ``due_at`` has come.

    ``every`` is in seconds of the business clock. ``due_at`` is business time, the lease is wall time.
    """

    id = models.BigAutoField(primary_key=True)
    schema = models.CharField(max_length=63)
    job = models.CharField(max_length=80)
    key = models.CharField(max_length=120, default="")
    every = models.IntegerField()
    due_at = models.DateTimeField()
    paused = models.BooleanField(default=False)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    failures = models.SmallIntegerField(default=0)
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schema", "job", "key"], name="due_once")]
        indexes = [models.Index(fields=["due_at"], name="due_next", condition=models.Q(paused=False))]


class InboundHook(models.Model):
    """A webhook as it came: raw bytes encrypted, deduplicated by digest, answered at once, handed over by outbox."""

    NEW, HANDED, UNROUTED, REFUSED = 0, 1, 2, 3

    id = models.BigAutoField(primary_key=True)
    platform = models.CharField(max_length=40)
    route = models.CharField(max_length=120, default="", blank=True)
    digest = models.CharField(max_length=64)
    body = models.BinaryField(null=True)
    headers = models.JSONField(default=dict)
    state = models.SmallIntegerField(default=NEW)
    times = models.IntegerField(default=1)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    purge_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "digest"], name="hook_once")]
        indexes = [models.Index(fields=["state", "id"], name="hook_state")]
