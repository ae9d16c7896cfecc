"""Who uses the installation: tenants, their hosts, global users, memberships, webhook routes. All in ``public``."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from core.permissions import ROLES


class Tenant(TenantMixin):
    """One seller company. Its schema is replayed from the SQL template by ``tenants.services.provision``."""

    ACTIVE, PROVISIONING, PAUSED, CLOSED = "active", "provisioning", "paused", "closed"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, default=PROVISIONING)
    timezone = models.CharField(max_length=60, default="Asia/Shanghai")
    currency = models.CharField(max_length=3, default="CNY")
    language = models.CharField(max_length=10, default="en")
    wrapped_key = models.BinaryField(null=True)  # the tenant's data key, wrapped by the master key
    key_id = models.CharField(max_length=16, default="", blank=True)
    migration_head = models.CharField(max_length=64, default="", blank=True)  # digest of the migrations it has
    migration_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    auto_create_schema = False
    auto_drop_schema = False

    def __enter__(self) -> Any:
        """Refused: the former tenant is kept on the class, so two threads would restore each other's."""
        raise TypeError("use core.tenancy.tenant_context(tenant.schema_name)")

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host name that leads to a tenant."""

    def __str__(self) -> str:
        return str(self.domain)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, global over all tenants; what they may do is in their memberships. ``is_staff``: the operators' desk."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, default="", blank=True)
    language = models.CharField(max_length=10, default="", blank=True)
    theme = models.CharField(max_length=10, default="", blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(null=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """A user's place in a tenant: role, and scope (null = everything) over channel accounts and warehouses."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(r, r) for r in ROLES])
    accounts = models.JSONField(null=True, blank=True)
    warehouses = models.JSONField(null=True, blank=True)
    active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)  # in this company, to the hour
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="membership_once")]


class WebhookRoute(models.Model):
    """Where a platform's call goes: (platform, the platform's own name of the account) → tenant and account."""

    platform = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    account_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "external_id", "tenant"], name="route_once")]
        indexes = [models.Index(fields=["platform", "external_id"], name="route_lookup")]


class Invitation(models.Model):
    """An e-mail address asked to join a tenant with a role and scope; single use, and for some days only."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField()
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=[(r, r) for r in ROLES])
    accounts = models.JSONField(null=True, blank=True)
    warehouses = models.JSONField(null=True, blank=True)
    actor_label = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"], condition=models.Q(used_at__isnull=True), name="invitation_open_once"
            )
        ]


class EntryPass(models.Model):
    """Takes a signed-in user from the public host to a tenant's, because cookies belong to one host. Single use.

    Only a digest is kept: who reads the table cannot sign in with it.
    """

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
