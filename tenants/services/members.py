"""A tenant's people: inviting, joining, role and scope, leaving. An owner always remains."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import transaction
from django.utils.crypto import constant_time_compare

from core import clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import OWNER, ROLES, Actor
from core.tenancy import tenant_context
from tenants.models import Invitation, Membership, Tenant, User
from tenants.permissions import MANAGE_MEMBERS

INVITATION_DAYS = 7
SEEN_EVERY = timedelta(hours=1)
_mailed = signing.Signer(salt="invitation mailed")

Scope = list[int] | None  # ids of accounts or warehouses; None means all


def invite(
    *, actor: Actor, tenant: Tenant, email: str, role: str, accounts: Scope = None, warehouses: Scope = None
) -> Invitation:
    """Ask someone to join. An open invitation of the same address is renewed with a new link.

    Raises BusinessError ``tenants.already_member``, ``tenants.bad_role``.
    """
    actor.require(MANAGE_MEMBERS)
    email = User.objects.normalize_email(email.strip()).lower()
    _check_role(role)
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if Membership.objects.filter(tenant=tenant, user__email=email, active=True).exists():
            raise BusinessError("tenants.already_member")
        Invitation.objects.filter(tenant=tenant, email=email, used_at=None).delete()
        invitation = Invitation.objects.create(
            email=email,
            tenant=tenant,
            role=role,
            accounts=accounts,
            warehouses=warehouses,
            actor_label=actor.label,
            created_at=clock.now(),
            expires_at=clock.wall() + timedelta(days=INVITATION_DAYS),
        )
        _record(actor, tenant, "invitation", invitation.pk, "tenants.invited", role=role)
    return invitation


def withdraw_invitation(*, actor: Actor, tenant: Tenant, invitation_id: int) -> None:
    """Make an invitation's link worthless. Nothing happens when it was used or withdrawn already."""
    actor.require(MANAGE_MEMBERS)
    with transaction.atomic():
        gone, _ = Invitation.objects.filter(pk=invitation_id, tenant=tenant, used_at=None).delete()
        if gone:
            _record(actor, tenant, "invitation", invitation_id, "tenants.invitation_withdrawn")


def open_invitation(token: UUID) -> Invitation:
    """The invitation behind a link. Raises BusinessError ``tenants.invitation_void`` when it is worth nothing."""
    found = (
        Invitation.objects.select_related("tenant")
        .filter(token=token, used_at=None, expires_at__gt=clock.wall(), tenant__state=Tenant.ACTIVE)
        .first()
    )
    if found is None:
        raise BusinessError("tenants.invitation_void")
    return found


def mailed_mark(token: UUID) -> str:
    """What only the mailed link carries: whoever has it reads the invited address's mail."""
    return _mailed.signature(str(token))


def accept_invitation(
    *, token: UUID, user: User | None = None, name: str = "", password: str = "", language: str = "", mark: str = ""
) -> Membership:
    """Join: as ``user``, who is signed in with the invited address, or (None) as a new user with name and password.

    The address of a new user is proven by the ``mark`` of the link that was mailed, and by it alone: the inviting company
    sees the link too, and would open accounts in the names of others. Raises BusinessError ``tenants.invitation_void``,
    ``tenants.invited_somebody_else``, ``tenants.email_taken`` (sign in first), and ValidationError on a weak password.
    """
    with transaction.atomic():
        invitation = open_invitation(token)
        if not Invitation.objects.select_for_update().filter(pk=invitation.pk):
            raise BusinessError("tenants.invitation_void")  # withdrawn just now
        if user is None:
            if User.objects.filter(email=invitation.email).exists():
                raise BusinessError("tenants.email_taken")
            validate_password(password, User(email=invitation.email, name=name))
            user = User.objects.create_user(
                invitation.email, password, name=name.strip(), language=language, date_joined=clock.now()
            )
            proven = constant_time_compare(mark, mailed_mark(token))
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=proven)
        elif user.email != invitation.email:
            raise BusinessError("tenants.invited_somebody_else")
        if not Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=clock.now()):
            raise BusinessError("tenants.invitation_void")
        membership, _ = Membership.objects.update_or_create(
            user=user,
            tenant=invitation.tenant,
            defaults={
                "role": invitation.role,
                "accounts": invitation.accounts,
                "warehouses": invitation.warehouses,
                "active": True,
            },
            create_defaults={
                "role": invitation.role,
                "accounts": invitation.accounts,
                "warehouses": invitation.warehouses,
                "created_at": clock.now(),
            },
        )
        joined = Actor(kind="user", id=user.pk, label=(user.name or user.email)[:120])
        _record(joined, invitation.tenant, "member", membership.pk, "tenants.joined", role=invitation.role)
    return membership


def change_member(
    *, actor: Actor, tenant: Tenant, membership_id: int, role: str, accounts: Scope, warehouses: Scope
) -> Membership:
    """Give a member another role and scope, from the next request on. Raises BusinessError ``tenants.last_owner``."""
    actor.require(MANAGE_MEMBERS)
    _check_role(role)
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        if role != OWNER:
            _keep_an_owner(tenant, membership)
        before = membership.role
        membership.role, membership.accounts, membership.warehouses = role, accounts, warehouses
        membership.save(update_fields=["role", "accounts", "warehouses"])
        _void_invitations(tenant, membership)
        _record(actor, tenant, "member", membership.pk, "tenants.member_changed", role=role, before=before)
    return membership


def deactivate_member(*, actor: Actor, tenant: Tenant, membership_id: int) -> None:
    """Shut a member out at once: the membership is checked on every request. Raises BusinessError as above."""
    _set_active(actor, tenant, membership_id, active=False)


def reactivate_member(*, actor: Actor, tenant: Tenant, membership_id: int) -> None:
    """Let a former member in again, with the former role and scope."""
    _set_active(actor, tenant, membership_id, active=True)


def note_seen(membership: Membership) -> None:
    """Remember that a member was here; written once an hour at most."""
    now = clock.now()
    if membership.last_seen_at is None or membership.last_seen_at < now - SEEN_EVERY:
        Membership.objects.filter(pk=membership.pk).update(last_seen_at=now)


def change_me(*, user: User, name: str, language: str) -> None:
    """A person's own name, and the language in which all companies speak to them. Raises BusinessError ``me.language``."""
    if language not in dict(settings.LANGUAGES):
        raise BusinessError("me.language")
    User.objects.filter(pk=user.pk).update(name=name.strip()[:120], language=language)


def _set_active(actor: Actor, tenant: Tenant, membership_id: int, *, active: bool) -> None:
    actor.require(MANAGE_MEMBERS)
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        if membership.active == active:
            return
        if not active:
            _keep_an_owner(tenant, membership)
        membership.active = active
        membership.save(update_fields=["active"])
        _void_invitations(tenant, membership)
        code = "tenants.member_reactivated" if active else "tenants.member_deactivated"
        _record(actor, tenant, "member", membership.pk, code)


def _locked(tenant: Tenant, membership_id: int) -> Membership:
    """The membership, its tenant's row locked: two owners who remove each other are served one after the other."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    found = Membership.objects.filter(pk=membership_id, tenant=tenant).first()
    if found is None:
        raise BusinessError("tenants.no_such_member")
    return found


def _void_invitations(tenant: Tenant, membership: Membership) -> None:
    """What was decided about a member counts: an older invitation of theirs would bring back the role that it names."""
    Invitation.objects.filter(tenant=tenant, email=membership.user.email, used_at=None).delete()


def _keep_an_owner(tenant: Tenant, leaving: Membership) -> None:
    if leaving.role != OWNER or not leaving.active:
        return
    others = Membership.objects.filter(tenant=tenant, role=OWNER, active=True, user__is_active=True)
    if not others.exclude(pk=leaving.pk).exists():
        raise BusinessError("tenants.last_owner")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise BusinessError("tenants.bad_role", role=role)


def _record(actor: Actor, tenant: Tenant, kind: str, object_id: int, code: str, **params: str) -> None:
    with tenant_context(tenant.schema_name):
        record(actor, kind, object_id, code, **params)
