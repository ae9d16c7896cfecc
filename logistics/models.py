"""Carriers as accounts and services, shipments with their life, tracking. A shipment knows an address, not an order."""

from __future__ import annotations

from django.db import models

from core.tenancy import TenantModel


class CarrierAccount(TenantModel):
    OK, FAILING, RECONNECT = "ok", "failing", "reconnect"

    id = models.BigAutoField(primary_key=True)
    carrier = models.CharField(max_length=40)  # key in the registry
    name = models.CharField(max_length=80)
    external_id = models.CharField(max_length=120, default="", blank=True)
    settings = models.JSONField(default=dict)
    credentials = models.BinaryField(null=True)
    token = models.BinaryField(null=True)
    token_expires_at = models.DateTimeField(null=True)
    health = models.CharField(max_length=10, default=OK)
    health_code = models.CharField(max_length=80, default="", blank=True)
    health_params = models.JSONField(default=dict)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    plain = ("carrier", "name", "external_id", "health", "health_code")


class Service(TenantModel):
    """A product of a carrier account that rules can choose."""

    id = models.BigAutoField(primary_key=True)
    carrier_account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="services")
    code = models.CharField(max_length=60)  # the carrier's
    key = models.CharField(max_length=60, unique=True)  # ours, used in rules
    name = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120, default="", blank=True)
    countries = models.JSONField(default=list)  # empty = all
    max_weight_g = models.IntegerField(null=True)
    divisor = models.IntegerField(default=8000)  # cm³ per kg; 0 = no volumetric weight
    battery = models.BooleanField(default=False)
    number_format = models.CharField(max_length=200, default="", blank=True)  # regular expression of its numbers
    channel_names = models.JSONField(default=dict)  # {platform: carrier name to tell it}
    aggregator_code = models.IntegerField(null=True)  # 17TRACK's carrier id
    active = models.BooleanField(default=True)

    plain = ("code", "key", "name", "name_zh", "number_format")


class Shipment(TenantModel):
    """One parcel from booking to delivery. Moves only through ``logistics.states``.

    ``reference`` is ours, unique for ever; look-ups at the carrier go by it. The receiver is a snapshot.
    """

    id = models.BigAutoField(primary_key=True)
    reference = models.CharField(max_length=40, unique=True)
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    warehouse_ref = models.BigIntegerField()
    state = models.CharField(max_length=12)
    track_main = models.CharField(max_length=20, default="", blank=True)
    track_sub = models.CharField(max_length=24, default="", blank=True)
    track_at = models.DateTimeField(null=True)
    receiver = models.JSONField()  # Address as dict
    country = models.CharField(max_length=2)
    sender = models.JSONField(default=dict)
    customs = models.JSONField(default=list)
    extras = models.JSONField(default=dict)  # note, ioss: what carriers may want besides
    expected_weight_g = models.IntegerField(default=0)
    weight_g = models.IntegerField(null=True)  # weighed
    length_mm = models.IntegerField(null=True)
    width_mm = models.IntegerField(null=True)
    height_mm = models.IntegerField(null=True)
    chargeable_g = models.IntegerField(null=True)
    platform = models.CharField(max_length=40, default="", blank=True)
    platform_order_ids = models.JSONField(default=list)
    waybill = models.CharField(max_length=60, default="", blank=True)
    tracking_number = models.CharField(max_length=60, default="", blank=True)
    label_file_id = models.BigIntegerField(null=True)
    needs = models.CharField(max_length=24, default="", blank=True)  # what the carrier still owes: number, label
    cost = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    cost_currency = models.CharField(max_length=3, default="", blank=True)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    call_sent_at = models.DateTimeField(null=True)  # a create call may be on the wire: look up before any repeat
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    printed_at = models.DateTimeField(null=True)
    print_count = models.IntegerField(default=0)
    weighed_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    manifest = models.ForeignKey("logistics.Manifest", models.SET_NULL, null=True, related_name="shipments")
    registered_at = models.DateTimeField(null=True)  # at the tracking aggregator
    poll_at = models.DateTimeField(null=True)  # when its tracking is asked for next; null: by nobody
    reopened_at = models.DateTimeField(null=True)  # a later event contradicted delivered or returned
    created_at = models.DateTimeField()
    purge_at = models.DateTimeField(null=True)

    personal = ("receiver",)
    plain = (
        "reference",
        "state",
        "track_main",
        "track_sub",
        "country",
        "platform",
        "waybill",
        "tracking_number",
        "needs",
        "cost_currency",
        "error_code",
    )

    class Meta:
        indexes = [
            models.Index(fields=["state", "id"], name="shipment_state"),
            models.Index(fields=["tracking_number"], name="shipment_number"),
            models.Index(fields=["waybill"], name="shipment_waybill"),
            models.Index(fields=["next_at"], name="shipment_due", condition=models.Q(next_at__isnull=False)),
            models.Index(fields=["poll_at"], name="shipment_poll", condition=models.Q(poll_at__isnull=False)),
            models.Index(fields=["handed_at"], name="shipment_handed", condition=models.Q(handed_at__isnull=False)),
            models.Index(fields=["purge_at"], name="shipment_purge", condition=models.Q(purge_at__isnull=False)),
            models.Index(
                fields=["id"],
                name="shipment_unregistered",
                condition=models.Q(registered_at__isnull=True, state="handed"),
            ),
        ]


class TrackingEvent(TenantModel):
    """One milestone, once: ``key`` is a digest of carrier, time, code, normalised text and place."""

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="events")
    key = models.CharField(max_length=32)
    at = models.DateTimeField()
    offset_minutes = models.SmallIntegerField(null=True)
    main = models.CharField(max_length=20)
    sub = models.CharField(max_length=24, default="", blank=True)
    code = models.CharField(max_length=60, default="", blank=True)
    description = models.CharField(max_length=400, default="", blank=True)
    place = models.CharField(max_length=120, default="", blank=True)
    source = models.CharField(max_length=20)  # carrier, 17track, person
    received_at = models.DateTimeField()

    plain = ("key", "main", "sub", "code", "description", "place", "source")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shipment", "key"], name="trackevent_once")]
        indexes = [models.Index(fields=["shipment", "at"], name="trackevent_time")]


class PoolNumber(TenantModel):
    """A tracking number given in advance by a carrier without an API; used once, never given back."""

    id = models.BigAutoField(primary_key=True)
    carrier_account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="+")
    number = models.CharField(max_length=60, unique=True)
    reference = models.CharField(max_length=40, default="", blank=True)  # of the shipment that took it
    added_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)

    plain = ("number", "reference")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=~models.Q(reference=""), name="poolnumber_taken_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["carrier_account", "id"], name="poolnumber_free", condition=models.Q(taken_at__isnull=True)
            )
        ]


class Manifest(TenantModel):
    """A hand-over list: parcels of one carrier account given over together."""

    id = models.BigAutoField(primary_key=True)
    number = models.CharField(max_length=40, unique=True)
    carrier_account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="+")
    warehouse_ref = models.BigIntegerField()
    day = models.DateField()
    zone = models.CharField(max_length=60)
    parcels = models.IntegerField(default=0)
    weight_g = models.BigIntegerField(default=0)
    file_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120)
    closed_at = models.DateTimeField()

    plain = ("number", "zone", "actor_label")


class Tracker(TenantModel):
    """An account at a tracking aggregator (17TRACK)."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, default="17track")
    name = models.CharField(max_length=80)
    external_id = models.CharField(max_length=120, unique=True)  # in the webhook's path
    settings = models.JSONField(default=dict)
    credentials = models.BinaryField(null=True)
    active = models.BooleanField(default=True)

    plain = ("kind", "name", "external_id")
