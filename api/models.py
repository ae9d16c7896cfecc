"""Keys of programs, the answers kept for their repeated writes, and webhooks out: endpoints, news, deliveries, attempts."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class ApiKey(TenantModel):
    """What a program signs in with. Only a digest is kept; ``prefix`` is shown so that people can tell keys apart.

    ``operations``: what it may do, never more than its maker; ``accounts``/``warehouses`` None: as the maker.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    operations = models.JSONField(default=list)
    accounts = models.JSONField(null=True)
    warehouses = models.JSONField(null=True)
    per_minute = models.IntegerField(default=600)
    maker_id = models.BigIntegerField()
    maker_label = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # written seldom
    revoked_at = models.DateTimeField(null=True)
    replaces = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")

    plain = ("name", "prefix", "digest", "maker_label")


class KeptAnswer(TenantModel):
    """The answer to a write, for 24 hours: the same Idempotency-Key gets it again. The body is sealed."""

    id = models.BigAutoField(primary_key=True)
    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    request_digest = models.CharField(max_length=64)
    status = models.SmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField()
    purge_at = models.DateTimeField()

    plain = ("key", "request_digest")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="keptanswer_once")]
        indexes = [models.Index(fields=["purge_at"], name="keptanswer_purge")]


class Hold(TenantModel):
    """Units that a program has set aside: the owner of a reservation of kind ``api``, under the program's own reference."""

    id = models.BigAutoField(primary_key=True)
    reference = models.CharField(max_length=80)
    api_key = models.ForeignKey(ApiKey, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    plain = ("reference",)


class Endpoint(TenantModel):
    """Where news goes. ``secret`` signs; after a change the former one signs too until ``former_until``."""

    id = models.BigAutoField(primary_key=True)
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=80, default="", blank=True)
    events = models.JSONField(default=list)
    accounts = models.JSONField(null=True)
    warehouses = models.JSONField(null=True)
    secret = models.BinaryField()
    former_secret = models.BinaryField(null=True)
    former_until = models.DateTimeField(null=True)
    active = models.BooleanField(default=True)
    off_code = models.CharField(max_length=80, default="", blank=True)  # why it was switched off
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)  # in a row
    last_ok_at = models.DateTimeField(null=True)
    maker_label = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    plain = ("url", "name", "off_code", "maker_label")


class News(TenantModel):
    """Something happened to an object. ``uid`` is the event's id for whoever hears of it, also the second time."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True)
    type = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    object_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    plain = ("type", "kind")

    class Meta:
        indexes = [models.Index(fields=["at"], name="news_at")]


class Delivery(TenantModel):
    """A piece of news for an endpoint. ``kind``/``object_id`` repeat the news': order is kept per object."""

    WAITING, DONE, GIVEN_UP = 0, 1, 2

    id = models.BigAutoField(primary_key=True)
    news = models.ForeignKey(News, models.CASCADE, related_name="+", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="+", db_index=False)
    type = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    object_id = models.BigIntegerField(null=True)
    state = models.SmallIntegerField(default=WAITING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    plain = ("type", "kind")

    class Meta:
        indexes = [
            models.Index(
                fields=["endpoint", "kind", "object_id", "id"],
                name="delivery_object",
                condition=models.Q(state=0),
            ),
            models.Index(fields=["endpoint", "next_at", "id"], name="delivery_due", condition=models.Q(state=0)),
            models.Index(fields=["endpoint", "-id"], name="delivery_endpoint"),
            models.Index(fields=["news"], name="delivery_news"),
        ]


class Attempt(TenantModel):
    """One call of an endpoint, as it went. ``status`` None: no answer, ``error_code`` says why."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    duration_ms = models.IntegerField()
    error_code = models.CharField(max_length=80, default="", blank=True)
    response = models.CharField(max_length=2000, default="", blank=True)  # what they answered, cut

    plain = ("error_code", "response")

    class Meta:
        indexes = [models.Index(fields=["delivery", "id"], name="attempt_delivery")]
