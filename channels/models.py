"""Marketplace accounts, what came from them (the raw inbox), how far they were read, what we told them."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from channels import finding
from core.tenancy import TenantModel


class Account(TenantModel):
    """One seller account at one platform. Credentials and tokens are encrypted under the tenant's key.

    ``health``: ok, paused, reconnect (the seller must connect again), failing, gone (disconnected: its secrets are
    deleted, its orders stay). The reason is a code plus parameters.
    """

    OK, PAUSED, RECONNECT, FAILING, GONE = "ok", "paused", "reconnect", "failing", "gone"

    id = models.BigAutoField(primary_key=True)
    platform = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    external_id = models.CharField(max_length=120)  # the platform's id of the seller
    marketplaces = models.JSONField(default=list)  # e.g. ["ATVPDKIKX0DER"] or ["EBAY_GB"]
    settings = models.JSONField(default=dict)  # the adapter's AccountSettings, without secrets
    credentials = models.BinaryField(null=True)  # encrypted JSON
    token = models.BinaryField(null=True)  # encrypted access token
    token_expires_at = models.DateTimeField(null=True)
    token_generation = models.IntegerField(default=0)
    token_lease_until = models.DateTimeField(null=True)
    timezone = models.CharField(max_length=60, default="UTC")
    health = models.CharField(max_length=10, default=OK)
    health_code = models.CharField(max_length=80, default="", blank=True)
    health_params = models.JSONField(default=dict)
    health_since = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    consented_at = models.DateTimeField(null=True)  # when the present credentials were given
    hooks = models.IntegerField(default=0)  # calls of the platform about this account that were good
    last_hook_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    plain = ("platform", "name", "external_id", "timezone", "health", "health_code")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "external_id"], name="account_once")]


class Cursor(TenantModel):
    """How far a job of an account has been read. ``position`` moves only after the last page of a window is stored.

    While a window is open, ``window_from``/``window_to``/``page_token`` say where to go on after a crash.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    job = models.CharField(max_length=20)  # orders, messages, inventory
    position = models.DateTimeField()
    began_at = models.DateTimeField(null=True)  # where the present stretch began: connecting, or reading a period again
    window_from = models.DateTimeField(null=True)
    window_to = models.DateTimeField(null=True)
    page_token = models.TextField(default="", blank=True)
    pages = models.IntegerField(default=0)
    items = models.IntegerField(default=0)
    fresh = models.IntegerField(default=0)  # of the last window: raw rows that were new
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    runs = models.JSONField(default=list)  # the last runs, newest first: see ``channels.services.runs``

    plain = ("job", "page_token", "error_code")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "job"], name="cursor_once")]


class RawPayload(TenantModel):
    """The durable inbox: what the platform said, byte for byte, until it is ingested or dead; purged by date.

    ``digest`` is over the payload: the same answer read again (overlap, repeats) is not stored twice.
    """

    NEW, INGESTED, DEAD, DROPPED = 0, 1, 2, 3

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12)  # order, message, inventory
    external_id = models.CharField(max_length=120, default="", blank=True)
    digest = models.BinaryField(max_length=16)
    payload = models.TextField()
    state = models.SmallIntegerField(default=NEW)
    attempts = models.SmallIntegerField(default=0)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(null=True)
    fetched_at = models.DateTimeField()
    purge_at = models.DateTimeField()

    personal = ("payload",)
    plain = ("kind", "external_id", "error_code")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind", "external_id", "digest"], name="raw_once")]
        indexes = [
            models.Index(fields=["account", "kind", "id"], name="raw_open", condition=models.Q(state=0)),
            models.Index(fields=["-id"], name="raw_dead", condition=models.Q(state=2)),
            models.Index(fields=["purge_at"], name="raw_purge"),
        ]


class Listing(TenantModel):
    """An offer at the platform, and the SKU it sells. ``sku`` null: not matched yet (a person or a rule does it).

    ``grams``: what it is found by (``channels.finding``); whoever adds rows by SQL fills it.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    seller_sku = models.CharField(max_length=120)
    external_id = models.CharField(max_length=120, default="", blank=True)  # ASIN, ItemID
    variation = models.CharField(max_length=120, default="", blank=True)
    title = models.CharField(max_length=300, default="", blank=True)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, null=True, related_name="+")
    units = models.IntegerField(default=1)  # units of the SKU in one sold unit
    matched_by = models.CharField(max_length=10, default="", blank=True)  # code, person
    platform_fulfilled = models.BooleanField(default=False)
    grams = ArrayField(models.IntegerField(), default=list, db_default=[])
    seen_at = models.DateTimeField()

    plain = ("seller_sku", "external_id", "variation", "title", "matched_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "seller_sku"], name="listing_once")]
        indexes = [
            models.Index(fields=["id"], name="listing_unmatched", condition=models.Q(sku__isnull=True)),
            models.Index(fields=["seller_sku"], name="listing_start", opclasses=["varchar_pattern_ops"]),
            GinIndex(fields=["grams"], name="listing_grams"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is None:
            self.grams = finding.grams_of(self.seller_sku, self.external_id, self.title)
        super().save(*args, **kwargs)


class Confirmation(TenantModel):
    """Telling the marketplace that a parcel was sent; also the idempotency row of that call.

    ``lines``: [[external_line_id, quantity], …]. States: wanted → sent → confirmed | unknown → (looked up) | refused.
    """

    WANTED, SENT, CONFIRMED, UNKNOWN, REFUSED, DROPPED = (
        "wanted",
        "sent",
        "confirmed",
        "unknown",
        "refused",
        "dropped",
    )

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    order_external_id = models.CharField(max_length=120)
    reference = models.CharField(max_length=60)  # of the package, ours: unique per account and order
    order_ref = models.BigIntegerField()  # our order; channels knows no more of it
    carrier = models.CharField(max_length=80)
    service = models.CharField(max_length=120, default="", blank=True)
    tracking_number = models.CharField(max_length=60)
    lines = models.JSONField()
    shipped_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=WANTED)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)

    plain = ("order_external_id", "reference", "carrier", "service", "tracking_number", "state", "error_code")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "order_external_id", "reference"], name="confirmation_once")
        ]
        indexes = [
            models.Index(
                fields=["account", "next_at"],
                name="confirmation_open",
                condition=models.Q(state__in=["wanted", "sent", "unknown"]),
            ),
            models.Index(fields=["order_ref"], name="confirmation_order"),
            models.Index(fields=["-id"], name="confirmation_refused", condition=models.Q(state="refused")),
        ]


class PlatformStock(TenantModel):
    """What the platform says it holds for us (FBA): evidence, not our ledger. Absent is not zero until two pulls agree."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    marketplace = models.CharField(max_length=20)
    seller_sku = models.CharField(max_length=120)
    asin = models.CharField(max_length=20, default="", blank=True)
    fnsku = models.CharField(max_length=20, default="", blank=True)
    title = models.CharField(max_length=300, default="", blank=True)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, null=True, related_name="+")
    fulfillable = models.IntegerField(default=0)
    inbound_working = models.IntegerField(default=0)
    inbound_shipped = models.IntegerField(default=0)
    inbound_receiving = models.IntegerField(default=0)
    reserved_customer = models.IntegerField(default=0)
    reserved_transfer = models.IntegerField(default=0)
    reserved_processing = models.IntegerField(default=0)
    researching = models.IntegerField(default=0)
    unfulfillable = models.IntegerField(default=0)
    seen_at = models.DateTimeField()
    missed = models.IntegerField(default=0)  # pulls in a row that did not name it

    plain = ("marketplace", "seller_sku", "asin", "fnsku", "title")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "marketplace", "seller_sku"], name="platformstock_once")
        ]
