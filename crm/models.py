"""Conversations with buyers over all accounts, messages (each once), templates."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models.functions import Coalesce

from core.tenancy import TenantModel

NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # conversations without a deadline come last


class Conversation(TenantModel):
    """Messages of one buyer about one thing at one account. ``waiting_since``: the first message not answered yet.

    What is waited for follows from the messages alone (``crm.waiting``); these columns keep it for the inbox.
    """

    OPEN, ANSWERED, CLOSED = "open", "answered", "closed"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("channels.Account", models.PROTECT, related_name="+")
    thread = models.CharField(max_length=200)  # the platform's thread, or buyer + item
    buyer_id = models.CharField(max_length=160, default="", blank=True)
    buyer_name = models.CharField(max_length=200, default="", blank=True)
    subject = models.CharField(max_length=300, default="", blank=True)
    item_ref = models.CharField(max_length=120, default="", blank=True)
    order_external_id = models.CharField(max_length=120, default="", blank=True)  # where the platform names it
    order = models.ForeignKey("orders.Order", models.SET_NULL, null=True, related_name="+")
    customer = models.ForeignKey("orders.Customer", models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, default=OPEN)
    waiting_since = models.DateTimeField(null=True)
    answer_by = models.DateTimeField(null=True)
    last_at = models.DateTimeField()
    messages_count = models.IntegerField(default=0)
    assignee_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    personal = ("thread", "buyer_id", "buyer_name", "subject")
    plain = ("item_ref", "order_external_id", "state")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "thread"], name="conversation_once")]
        indexes = [
            models.Index("state", Coalesce("answer_by", NEVER), "id", name="conversation_due"),
            models.Index(fields=["-last_at", "-id"], name="conversation_time"),
            models.Index(fields=["order"], name="conversation_order"),
            models.Index(fields=["last_at"], name="conversation_unlinked", condition=models.Q(order__isnull=True)),
            models.Index(fields=["account", "buyer_id"], name="conversation_buyer"),
        ]


class Message(TenantModel):
    """One message. Incoming: ``external_id`` unique per account. Outgoing: ``key`` makes the sending happen once.

    Outgoing states: queued → sending → sent | unknown (looked up) | failed; ``next_at`` stands while one is under way.
    Incoming ones are unanswered ('') unless an answer covers them, they were answered at the platform itself
    (elsewhere), or a person closed the conversation without an answer (dismissed). ``note``: internal, never sent.
    """

    IN, OUT, NOTE = "in", "out", "note"
    QUEUED, SENDING, SENT, UNKNOWN, FAILED = "queued", "sending", "sent", "unknown", "failed"

    ELSEWHERE, DISMISSED = "elsewhere", "dismissed"
    UNDER_WAY = (QUEUED, SENDING, UNKNOWN)

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    account = models.ForeignKey("channels.Account", models.PROTECT, related_name="+")
    direction = models.CharField(max_length=4)
    external_id = models.CharField(max_length=120, null=True)
    parent_external_id = models.CharField(max_length=120, default="", blank=True)
    body = models.TextField()
    at = models.DateTimeField()
    state = models.CharField(max_length=10, default="", blank=True)
    key = models.CharField(max_length=60, null=True, unique=True)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=120, default="", blank=True)
    purge_at = models.DateTimeField(null=True)

    personal = ("body",)
    plain = ("direction", "external_id", "parent_external_id", "state", "key", "error_code", "actor_label")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="message_once")]
        indexes = [
            models.Index(fields=["conversation", "at", "id"], name="message_thread"),
            models.Index(fields=["next_at"], name="message_due", condition=models.Q(next_at__isnull=False)),
        ]


class Visit(TenantModel):
    """One person at one conversation: when they were last there, whether they were writing, and their draft."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    user_id = models.BigIntegerField()
    user_label = models.CharField(max_length=120)
    seen_at = models.DateTimeField()
    writing_at = models.DateTimeField(null=True)
    draft = models.TextField(default="", blank=True)
    draft_at = models.DateTimeField(null=True)

    personal = ("draft",)
    plain = ("user_label",)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "user_id"], name="visit_once")]
        indexes = [models.Index(fields=["seen_at"], name="visit_time")]


class Attachment(TenantModel):
    """A file of a message: received from the buyer, sent with an answer, or beside a note.

    One of the buyer stands as *wanted* until it is fetched from ``source`` and kept, or refused with its reason;
    ``next_at``: when it is tried next. One of an answer is kept from the start; ``source`` is where the platform has
    it once it was put up there.
    """

    WANTED, KEPT, REFUSED = "wanted", "kept", "refused"

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, null=True, related_name="attachments")
    name = models.CharField(max_length=160)
    media_type = models.CharField(max_length=100, default="", blank=True)
    size = models.BigIntegerField(default=0)
    file_id = models.BigIntegerField(null=True)
    source = models.CharField(max_length=1000, default="", blank=True)  # where the platform keeps it
    state = models.CharField(max_length=8, default=KEPT)
    attempts = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, default="", blank=True)
    error_params = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    personal = ("name", "source")
    plain = ("media_type", "state", "error_code")

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "id"], name="attachment_talk"),
            models.Index(fields=["next_at"], name="attachment_wanted", condition=models.Q(state="wanted")),
        ]


class MessageTemplate(TenantModel):
    """An answer with variables like {order.number}; one text per language."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    language = models.CharField(max_length=10, default="en")
    subject = models.CharField(max_length=200, default="", blank=True)
    body = models.TextField()
    position = models.IntegerField(default=0)

    plain = ("name", "language", "subject", "body")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="template_once")]
