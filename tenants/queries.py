"""Reads about tenants, hosts and memberships."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from allauth.mfa.models import Authenticator

from core.permissions import Actor, of_role
from tenants.models import Domain, Invitation, Membership, Tenant, User

DEMO_SCHEMA = "t_demo"
# Asked by every request, so written out: the ORM takes longer to say them than PostgreSQL to answer.
_OF_HOST = (
    "SELECT t.* FROM public.tenants_domain d JOIN public.tenants_tenant t ON t.id = d.tenant_id"
    " WHERE d.domain = %s AND t.state <> %s"
)
_MEMBERSHIP = (
    "SELECT m.*, EXISTS (SELECT 1 FROM public.tenants_membership o JOIN public.tenants_tenant t ON t.id = o.tenant_id"
    " WHERE o.user_id = m.user_id AND o.tenant_id <> m.tenant_id AND o.active AND t.state <> %s) AS others"
    " FROM public.tenants_membership m JOIN public.tenants_user u ON u.id = m.user_id"
    " WHERE m.user_id = %s AND m.tenant_id = %s AND m.active AND u.is_active"
)


def is_bare_host(host: str) -> bool:
    """True for ``localhost`` and IP addresses: hosts that name no tenant."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def tenant_of_host(host: str) -> Tenant | None:
    """The tenant behind a host name, in whatever state but closed."""
    return next(iter(Tenant.objects.raw(_OF_HOST, [host, Tenant.CLOSED])), None)


def demo_tenant() -> Tenant | None:
    return Tenant.objects.filter(schema_name=DEMO_SCHEMA, state=Tenant.ACTIVE).first()


def membership(*, user_id: int, tenant_id: int) -> Membership | None:
    """The active one; its ``others`` says whether the user has a place in another company too."""
    return next(iter(Membership.objects.raw(_MEMBERSHIP, [Tenant.CLOSED, user_id, tenant_id])), None)


def actor_of(user: User, membership: Membership, tenant: Tenant) -> Actor:
    """The acting person inside the tenant, with what the role allows and the scope that narrows it."""
    return Actor(
        kind="user",
        id=user.pk,
        label=(user.name or user.email)[:120],
        operations=of_role(membership.role),
        accounts=None if membership.accounts is None else frozenset(membership.accounts),
        warehouses=None if membership.warehouses is None else frozenset(membership.warehouses),
        language=user.language or tenant.language,
        timezone=tenant.timezone,
        extra={"companies": "several"} if getattr(membership, "others", False) else {},
    )


def host_of_tenant(tenant: Tenant) -> str:
    """The tenant's primary host name."""
    return str(Domain.objects.filter(tenant=tenant).order_by("-is_primary", "pk").values_list("domain", flat=True)[0])


def tenants_of(user: User) -> list[Membership]:
    """The user's active memberships of tenants that are in use or being made, by the tenant's name."""
    return list(
        Membership.objects.select_related("tenant")
        .filter(user=user, active=True)
        .exclude(tenant__state=Tenant.CLOSED)
        .order_by("tenant__name")
    )


def members_of(tenant: Tenant) -> list[Membership]:
    """All memberships, former ones last."""
    found = Membership.objects.select_related("user").filter(tenant=tenant)
    return list(found.order_by("-active", "user__name", "user__email"))


def guarded_users(user_ids: Sequence[int]) -> set[int]:
    """Those of the users who sign in with a second factor. One query."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return set(Authenticator.objects.filter(user_id__in=user_ids, type__in=kinds).values_list("user_id", flat=True))


def member(*, tenant: Tenant, membership_id: int) -> Membership | None:
    return Membership.objects.select_related("user").filter(tenant=tenant, pk=membership_id).first()


def open_invitations(tenant: Tenant) -> list[Invitation]:
    """Invitations that nobody has used, late ones too (they can be withdrawn or renewed)."""
    found = Invitation.objects.select_related("tenant").filter(tenant=tenant, used_at=None)
    return list(found.order_by("-created_at"))


def kept_schemas() -> list[str]:
    """Schemas of tenants that hold data and will work again: active and paused ones."""
    found = Tenant.objects.filter(state__in=[Tenant.ACTIVE, Tenant.PAUSED])
    return list(found.order_by("pk").values_list("schema_name", flat=True))
