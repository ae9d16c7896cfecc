"""What every tenant keeps besides its business: the audit trail, jobs, external writes, saved views, files."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class AuditEntry(TenantModel):
    """Who did what to which object, when. Append-only (a trigger refuses UPDATE and DELETE).

    It is the history of a page too: ``code`` plus ``params`` are put into words when shown. Personal values never
    stand here: a changed personal field is named in ``params`` with a keyed hash of the old and new value.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)  # of object, e.g. "order"
    object_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=80)
    params = models.JSONField(default=dict)

    plain = ("actor_kind", "actor_label", "kind", "code")

    class Meta:
        indexes = [
            models.Index(fields=["kind", "object_id", "id"], name="audit_object"),
            models.Index(fields=["-at"], name="audit_at"),
        ]


class ExternalWrite(TenantModel):
    """One write to the outside world. Committed as *sent* before the call; whoever finds *sent* looks up, never sends.

    ``key`` is the act's own (e.g. ``book:<shipment reference>``), not the attempt's.
    """

    SENT, ANSWERED, UNKNOWN, REFUSED = "sent", "answered", "unknown", "refused"

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=160, unique=True)
    state = models.CharField(max_length=10, default=SENT)
    attempts = models.IntegerField(default=1)
    answer = models.JSONField(null=True)
    sent_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    plain = ("key", "state")

    class Meta:
        indexes = [
            models.Index(fields=["sent_at"], name="extwrite_open", condition=models.Q(state__in=["sent", "unknown"]))
        ]


class Job(TenantModel):
    """Long work a person can watch: progress, heartbeat, checkpoint, log, cancel, result file."""

    QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = (
        "queued",
        "running",
        "done",
        "failed",
        "cancelled",
        "interrupted",
    )

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=80)
    title_code = models.CharField(max_length=80)
    title_params = models.JSONField(default=dict)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default=QUEUED)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    checkpoint = models.JSONField(null=True)
    log = models.JSONField(default=list)  # [{id, label, code, params}] of what could not be done, at most 1,000
    cancel_asked = models.BooleanField(default=False)
    result_file_id = models.BigIntegerField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # in the bell's panel or on the page of jobs
    told_at = models.DateTimeField(null=True)  # by the note that comes up on whatever page one is
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    purge_at = models.DateTimeField(null=True)

    plain = ("kind", "title_code", "state", "actor_label", "error_code")

    class Meta:
        indexes = [
            models.Index(fields=["state", "id"], name="job_state"),
            models.Index(fields=["actor_id", "-id"], name="job_actor"),
            models.Index(fields=["actor_id", "id"], name="job_unseen", condition=models.Q(seen_at__isnull=True)),
        ]


class SavedView(TenantModel):
    """A named filter of a list; ``shared`` ones are everybody's. ``query``: see ``saved_views``."""

    id = models.BigAutoField(primary_key=True)
    list_name = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.JSONField(default=dict)
    shared = models.BooleanField(default=False)
    user_id = models.BigIntegerField()

    plain = ("list_name", "name")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list_name", "user_id", "name"], name="view_once")]


class ViewDefault(TenantModel):
    """The view with which a list opens for a person."""

    id = models.BigAutoField(primary_key=True)
    list_name = models.CharField(max_length=40)
    user_id = models.BigIntegerField()
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="+")

    plain = ("list_name",)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list_name", "user_id"], name="view_default_once")]


class StoredFile(TenantModel):
    """A file kept by ``core.files``; served only after a check of membership, permission and scope."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True)
    kind = models.CharField(max_length=40)  # label, manifest, import, export, attachment
    path = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    operation = models.CharField(max_length=80)  # permission needed to read it
    account_id = models.BigIntegerField(null=True)
    warehouse_id = models.BigIntegerField(null=True)
    owner_id = models.BigIntegerField(null=True)  # only this user may read it: what he took out with his own rights
    created_at = models.DateTimeField()
    purge_at = models.DateTimeField(null=True)

    plain = ("kind", "path", "name", "media_type", "sha256", "operation")


class PersonalRead(TenantModel):
    """Someone opened a masked personal field (Amazon's data protection policy asks for this log)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    field = models.CharField(max_length=40)

    plain = ("actor_label", "kind", "field")


class TenantSetting(TenantModel):
    """Settings of the tenant that belong to its work: base currency, automatic booking, tolerances, rules."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    value = models.JSONField()

    plain = ("name",)
