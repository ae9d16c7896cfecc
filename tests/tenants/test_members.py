"""Inviting, joining, role and scope, leaving; an owner always remains; the check happens on every request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError

from core.clock import now, wall
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor, of_role, system
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from tenants import queries, services
from tenants.models import Invitation, Membership, Tenant, User
from tenants.services import members

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"


@pytest.fixture
def tenant(acme) -> Tenant:
    return Tenant.objects.get(schema_name=acme)


@pytest.fixture
def owner(tenant) -> Actor:
    member = Membership.objects.select_related("user").get(tenant=tenant, role="owner")
    return queries.actor_of(member.user, member, tenant)


def member_of(tenant: Tenant, email: str, role: str = "clerk") -> Membership:
    user = User.objects.create_user(email, PASSWORD)
    return Membership.objects.create(user=user, tenant=tenant, role=role, created_at=now())


def refused(code: str, act, *args, **kwargs) -> None:
    with pytest.raises(BusinessError) as error:
        act(*args, **kwargs)
    assert error.value.code == code


def test_an_invited_person_joins_with_role_and_scope(tenant, owner):
    invitation = services.invite(actor=owner, tenant=tenant, email=" New@Example.com ", role="clerk", accounts=[3, 5])
    member = services.accept_invitation(token=invitation.token, name="New", password=PASSWORD)
    assert (member.user.email, member.role, member.accounts, member.warehouses) == (
        "new@example.com",
        "clerk",
        [3, 5],
        None,
    )
    actor = queries.actor_of(member.user, member, tenant)
    assert actor.operations == of_role("clerk")
    assert actor.sees_account(3)
    assert not actor.sees_account(4)
    refused("tenants.invitation_void", services.accept_invitation, token=invitation.token, password=PASSWORD)
    with tenant_context(tenant.schema_name):
        entries = list(AuditEntry.objects.order_by("pk").values_list("code", "params"))
    assert entries[-2:] == [("tenants.invited", {"role": "clerk"}), ("tenants.joined", {"role": "clerk"})]
    assert "example.com" not in str(entries)  # no personal value in the audit trail


def test_a_known_user_joins_when_signed_in_with_the_invited_address(tenant, owner):
    known = User.objects.create_user("known@example.com", PASSWORD)
    other = User.objects.create_user("other@example.com", PASSWORD)
    invitation = services.invite(actor=owner, tenant=tenant, email="known@example.com", role="viewer")
    refused("tenants.email_taken", services.accept_invitation, token=invitation.token, password=PASSWORD)
    refused("tenants.invited_somebody_else", services.accept_invitation, token=invitation.token, user=other)
    assert services.accept_invitation(token=invitation.token, user=known).user == known
    refused(
        "tenants.already_member", services.invite, actor=owner, tenant=tenant, email="KNOWN@example.com", role="clerk"
    )


def test_a_weak_password_is_refused_and_the_invitation_stays_good(tenant, owner):
    invitation = services.invite(actor=owner, tenant=tenant, email="new@example.com", role="clerk")
    with pytest.raises(ValidationError):
        services.accept_invitation(token=invitation.token, password="short")
    assert not User.objects.filter(email="new@example.com").exists()
    services.accept_invitation(token=invitation.token, password=PASSWORD)


def test_an_invitation_ends_by_time_by_withdrawal_and_by_a_newer_one(tenant, owner):
    late = services.invite(actor=owner, tenant=tenant, email="a@example.com", role="clerk")
    Invitation.objects.filter(pk=late.pk).update(expires_at=wall() - timedelta(seconds=1))
    refused("tenants.invitation_void", services.accept_invitation, token=late.token, password=PASSWORD)
    renewed = services.invite(actor=owner, tenant=tenant, email="a@example.com", role="manager")
    assert Invitation.objects.filter(tenant=tenant, email="a@example.com").count() == 1
    services.withdraw_invitation(actor=owner, tenant=tenant, invitation_id=renewed.pk)
    refused("tenants.invitation_void", services.accept_invitation, token=renewed.token, password=PASSWORD)


def test_an_invitation_of_another_tenant_cannot_be_withdrawn(tenant, owner, beta):
    foreign = services.invite(
        actor=system("test"), tenant=Tenant.objects.get(schema_name=beta), email="a@example.com", role="clerk"
    )
    services.withdraw_invitation(actor=owner, tenant=tenant, invitation_id=foreign.pk)
    assert Invitation.objects.filter(pk=foreign.pk).exists()


def test_a_member_of_another_tenant_cannot_be_changed(tenant, owner, beta):
    theirs = Membership.objects.get(tenant__schema_name=beta)
    for act in (services.deactivate_member, services.reactivate_member):
        refused("tenants.no_such_member", act, actor=owner, tenant=tenant, membership_id=theirs.pk)
    refused(
        "tenants.no_such_member",
        services.change_member,
        actor=owner,
        tenant=tenant,
        membership_id=theirs.pk,
        role="viewer",
        accounts=None,
        warehouses=None,
    )


def test_an_owner_remains(tenant, owner):
    first = Membership.objects.get(tenant=tenant, role="owner")
    change = {"actor": owner, "tenant": tenant, "role": "viewer", "accounts": None, "warehouses": None}
    refused("tenants.last_owner", services.deactivate_member, actor=owner, tenant=tenant, membership_id=first.pk)
    refused("tenants.last_owner", services.change_member, membership_id=first.pk, **change)
    second = member_of(tenant, "second@example.com", "owner")
    User.objects.filter(pk=second.user_id).update(is_active=False)
    refused("tenants.last_owner", services.change_member, membership_id=first.pk, **change)
    User.objects.filter(pk=second.user_id).update(is_active=True)
    services.change_member(membership_id=first.pk, **change)
    refused("tenants.last_owner", services.deactivate_member, actor=owner, tenant=tenant, membership_id=second.pk)


def test_only_who_may_manages_members(tenant):
    clerk = member_of(tenant, "clerk@example.com", "manager")
    actor = queries.actor_of(clerk.user, clerk, tenant)
    for act, given in (
        (services.invite, {"email": "x@example.com", "role": "owner"}),
        (services.change_member, {"membership_id": 1, "role": "owner", "accounts": None, "warehouses": None}),
        (services.deactivate_member, {"membership_id": 1}),
        (services.reactivate_member, {"membership_id": 1}),
        (services.withdraw_invitation, {"invitation_id": 1}),
    ):
        with pytest.raises(NotAllowed):
            act(actor=actor, tenant=tenant, **given)


def test_an_unknown_role_is_refused(tenant, owner):
    refused("tenants.bad_role", services.invite, actor=owner, tenant=tenant, email="x@example.com", role="king")


# -- entry passes


def test_a_pass_lets_in_once_and_only_there(tenant, beta):
    member = member_of(tenant, "m@example.com")
    token = services.entry_pass(user=member.user, tenant=tenant)
    other = Tenant.objects.get(schema_name=beta)
    refused("tenants.pass_void", services.spend_pass, token=token, tenant=other)
    refused("tenants.pass_void", services.spend_pass, token=token[:-1], tenant=tenant)
    assert services.spend_pass(token=token, tenant=tenant) == member.user
    refused("tenants.pass_void", services.spend_pass, token=token, tenant=tenant)


def test_a_pass_ends_after_a_minute_and_with_the_account(tenant, monkeypatch):
    member = member_of(tenant, "m@example.com")
    token = services.entry_pass(user=member.user, tenant=tenant)
    User.objects.filter(pk=member.user_id).update(is_active=False)
    refused("tenants.pass_void", services.spend_pass, token=token, tenant=tenant)
    User.objects.filter(pk=member.user_id).update(is_active=True)
    later = wall() + timedelta(seconds=61)
    monkeypatch.setattr("core.clock.wall", lambda: later)
    refused("tenants.pass_void", services.spend_pass, token=token, tenant=tenant)


def test_no_pass_for_who_is_no_member(tenant, beta):
    member = member_of(tenant, "m@example.com")
    other = Tenant.objects.get(schema_name=beta)
    refused("tenants.not_a_member", services.entry_pass, user=member.user, tenant=other)
    Membership.objects.filter(pk=member.pk).update(active=False)
    refused("tenants.not_a_member", services.entry_pass, user=member.user, tenant=tenant)


# -- what an invitation is worth, and until when


def test_whom_one_shuts_out_comes_back_by_no_older_link(tenant, owner):
    member = member_of(tenant, "eve@example.com", "manager")
    services.deactivate_member(actor=owner, tenant=tenant, membership_id=member.pk)
    link = services.invite(actor=owner, tenant=tenant, email="eve@example.com", role="manager")
    services.reactivate_member(actor=owner, tenant=tenant, membership_id=member.pk)
    services.deactivate_member(actor=owner, tenant=tenant, membership_id=member.pk)
    refused("tenants.invitation_void", services.accept_invitation, token=link.token, user=member.user)
    assert queries.membership(user_id=member.user_id, tenant_id=tenant.pk) is None


def test_nobody_gets_a_former_role_back_by_an_older_link(tenant, owner):
    member = member_of(tenant, "eve@example.com", "manager")
    services.deactivate_member(actor=owner, tenant=tenant, membership_id=member.pk)
    link = services.invite(actor=owner, tenant=tenant, email="eve@example.com", role="manager")
    services.reactivate_member(actor=owner, tenant=tenant, membership_id=member.pk)
    services.change_member(
        actor=owner, tenant=tenant, membership_id=member.pk, role="viewer", accounts=[1], warehouses=None
    )
    refused("tenants.invitation_void", services.accept_invitation, token=link.token, user=member.user)
    member.refresh_from_db()
    assert (member.role, member.accounts) == ("viewer", [1])


def test_a_link_that_is_withdrawn_while_it_is_used_is_void(tenant, owner, monkeypatch):
    """Between the look and the lock: the row is gone."""
    link = services.invite(actor=owner, tenant=tenant, email="new@example.com", role="clerk")
    found = members.open_invitation(link.token)
    Invitation.objects.filter(pk=link.pk).delete()
    monkeypatch.setattr(members, "open_invitation", lambda token: found)
    refused("tenants.invitation_void", services.accept_invitation, token=link.token, name="New", password=PASSWORD)
    assert not User.objects.filter(email="new@example.com").exists()


def test_only_the_mailed_link_proves_the_address(tenant, owner):
    """The inviting company sees the link too: with it somebody could open an account in another's name."""
    shown = services.invite(actor=owner, tenant=tenant, email="boss@victim.example", role="clerk")
    services.accept_invitation(token=shown.token, name="Not the boss", password=PASSWORD)
    assert not EmailAddress.objects.get(email="boss@victim.example").verified
    mailed = services.invite(actor=owner, tenant=tenant, email="new@example.com", role="clerk")
    mark = services.mailed_mark(mailed.token)
    services.accept_invitation(token=mailed.token, name="New", password=PASSWORD, mark=mark)
    assert EmailAddress.objects.get(email="new@example.com").verified
    other = services.invite(actor=owner, tenant=tenant, email="other@example.com", role="clerk")
    services.accept_invitation(token=other.token, name="Other", password=PASSWORD, mark=mark)
    assert not EmailAddress.objects.get(email="other@example.com").verified
