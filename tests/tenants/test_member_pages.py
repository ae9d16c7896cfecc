"""The members' pages: what an owner does, what a manager sees, what others get."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core.clock import now
from tenants import ports
from tenants.models import Invitation, Membership, Tenant, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(acme) -> Tenant:
    return Tenant.objects.get(schema_name=acme)


def browser(user: User) -> Client:
    client = Client(HTTP_HOST="acme.localhost")
    client.force_login(user)
    return client


def member_of(tenant: Tenant, role: str) -> Membership:
    user = User.objects.create_user(f"{role}@example.com", "correct-horse-battery")
    return Membership.objects.create(user=user, tenant=tenant, role=role, created_at=now())


@pytest.fixture
def owner(tenant) -> Client:
    return browser(Membership.objects.get(tenant=tenant, role="owner").user)


def test_inviting_sends_and_shows_a_link_that_works(owner, tenant, mailoutbox):
    response = owner.post("/settings/members/invite/", {"email": "new@example.com", "role": "clerk"}, follow=True)
    link = f"/invitations/{Invitation.objects.get(email='new@example.com').token}/"
    assert link in response.content.decode()
    assert [mail.to for mail in mailoutbox] == [["new@example.com"]]
    assert re.search(rf"http://localhost{link}", mailoutbox[0].body)
    assert Client(HTTP_HOST="localhost").get(link).status_code == 200


def test_the_link_is_shown_where_mail_fails(owner, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    response = owner.post("/settings/members/invite/", {"email": "new@example.com", "role": "clerk"}, follow=True)
    page = response.content.decode()
    assert "could not be sent" in page
    assert str(Invitation.objects.get().token) in page


def test_a_refused_invitation_says_why_beside_the_field(owner):
    response = owner.post("/settings/members/invite/", {"email": "owner@acme.localhost", "role": "clerk"})
    assert response.status_code == 422
    assert "member already" in str(response.context["form"].errors["email"])


def test_role_and_scope_are_changed(owner, tenant, monkeypatch):
    monkeypatch.setattr(ports, "_scopes", {"accounts": lambda: [(3, "eBay DE"), (5, "Amazon US")]})
    clerk = member_of(tenant, "clerk")
    page = owner.get(f"/settings/members/{clerk.pk}/").content.decode()
    assert "eBay DE" in page
    owner.post(f"/settings/members/{clerk.pk}/", {"role": "service", "accounts": ["5"]})
    clerk.refresh_from_db()
    assert (clerk.role, clerk.accounts, clerk.warehouses) == ("service", [5], None)
    assert "Amazon US" in owner.get("/settings/members/").content.decode()
    refused = owner.post(f"/settings/members/{clerk.pk}/", {"role": "service", "accounts": ["7"]})
    assert refused.status_code == 422


def test_shutting_out_and_letting_in(owner, tenant):
    clerk = member_of(tenant, "clerk")
    theirs = browser(clerk.user)
    assert theirs.get("/").status_code == 200
    owner.post(f"/settings/members/{clerk.pk}/shut-out/")
    assert theirs.get("/").status_code == 404
    owner.post(f"/settings/members/{clerk.pk}/let-in/")
    assert theirs.get("/").status_code == 200
    first = Membership.objects.get(tenant=tenant, role="owner")
    refused = owner.post(f"/settings/members/{first.pk}/shut-out/")
    assert refused.status_code == 422
    assert "must keep an owner" in refused.content.decode()


def test_a_manager_looks_only_and_a_clerk_not_even_that(tenant):
    manager, clerk = browser(member_of(tenant, "manager").user), browser(member_of(tenant, "clerk").user)
    page = manager.get("/settings/members/")
    assert page.status_code == 200
    assert "/invite/" not in page.content.decode()
    assert manager.post("/settings/members/invite/", {"email": "x@example.com", "role": "owner"}).status_code == 403
    assert clerk.get("/settings/members/").status_code == 403
    assert not Invitation.objects.exists()


def test_members_of_another_tenant_are_not_there(owner, beta):
    theirs = Membership.objects.get(tenant__schema_name=beta)
    assert owner.get(f"/settings/members/{theirs.pk}/").status_code == 404
    assert theirs.user.email not in owner.get("/settings/members/").content.decode()


def test_the_mailed_link_proves_the_address_and_the_shown_one_does_not(owner, mailoutbox, settings):
    """With a mail server: whoever opens the link that the company sees has to show that the mail is read."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    given = {"name": "New", "password": "correct-horse-battery"}
    shown = owner.post("/settings/members/invite/", {"email": "boss@victim.example", "role": "clerk"}, follow=True)
    link = re.search(r"http://localhost(/invitations/[0-9a-f-]{36}/)([^\s\"<]*)", shown.content.decode())
    assert link and not link[2]
    thief = Client(HTTP_HOST="localhost")
    assert thief.post(link[1], given)["Location"] == "/accounts/confirm-email/"
    assert "_auth_user_id" not in thief.session
    assert mailoutbox[-1].to == ["boss@victim.example"]
    owner.post("/settings/members/invite/", {"email": "new@example.com", "role": "clerk"})
    link = re.search(r"http://localhost(/invitations/\S+)", mailoutbox[-1].body)
    assert link and "?mark=" in link[1]
    member = Client(HTTP_HOST="localhost")
    assert member.post(link[1], given)["Location"].startswith("/tenants/")
    assert member.session["_auth_user_id"] == str(User.objects.get(email="new@example.com").pk)


def test_nobody_sends_mails_to_the_whole_world_in_the_name_of_a_company(owner, mailoutbox, settings):
    settings.ACCOUNT_RATE_LIMITS = {"invite": "3/h/user"}
    answers = [
        owner.post("/settings/members/invite/", {"email": f"n{number}@example.com", "role": "clerk"}).status_code
        for number in range(5)
    ]
    assert answers == [302, 302, 302, 429, 429]
    assert len(mailoutbox) == Invitation.objects.count() == 3


def test_a_company_with_a_line_break_in_its_name_still_invites(owner, tenant, mailoutbox):
    Tenant.objects.filter(pk=tenant.pk).update(name="Acme\r\nBcc: all@example.com")
    owner.post("/settings/members/invite/", {"email": "new@example.com", "role": "clerk"})
    assert "Acme Bcc: all@example.com" in mailoutbox[0].subject
    assert mailoutbox[0].recipients() == ["new@example.com"]
