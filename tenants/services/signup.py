"""Opening an account with a company, and the way from the public host to a tenant's host."""

from __future__ import annotations

import hashlib
import re
import secrets as random
import unicodedata
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import transaction

from core import clock
from core.errors import BusinessError
from core.permissions import Actor, system
from core.tenancy import public_context
from tenants import queries
from tenants.models import Domain, EntryPass, Tenant, User
from tenants.services.provisioning import provision

# Names that look like the house's own, or that programs ask for by themselves.
RESERVED = frozenset(
    "www www2 web api app apps admin administrator root hooks hook webhook webhooks connect static assets media files cdn"
    " mail smtp imap pop mx ftp sftp ns ns1 ns2 ns3 ns4 dns public status health metrics monitor help support docs blog"
    " login signin signup sign-up logout account accounts auth oauth sso id identity account-security security tenants"
    " billing pay payment payments invoice sampan demo test testing dev staging stage sandbox preview beta internal intranet"
    " local localhost portal dashboard console operator operators ops system abuse postmaster hostmaster webmaster noreply"
    " no-reply info autodiscover autoconfig wpad isatap mta-sts dkim dmarc".split()
)
RESERVED_PREFIXES = ("rehearse-", "xn--")  # rehearsals' own tenants; names in another script's disguise
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{1,30}[a-z0-9])\Z")
PASS_SECONDS = 60
_signer = signing.Signer(salt="tenants.entry_pass")


def free_address(company: str) -> str:
    """A host label for a company's name that nobody has: ``Blue Sea Ltd.`` → ``blue-sea-ltd``."""
    plain = unicodedata.normalize("NFKD", company).encode("ascii", "ignore").decode().lower()
    label = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:24].strip("-")
    if not LABEL.match(label) or is_reserved(label):
        label = f"seller-{label}".strip("-") if label else "seller"
    candidate = label if label != "seller" else f"seller-{random.randbelow(900_000) + 100_000}"
    while not address_is_free(candidate):
        candidate = f"{label}-{random.randbelow(90_000) + 10_000}"
    return candidate


def is_reserved(label: str) -> bool:
    return label in RESERVED or label.startswith(RESERVED_PREFIXES) or label.replace("-", "") in RESERVED


def address_is_free(label: str) -> bool:
    with public_context():
        return not (
            Domain.objects.filter(domain=host_of(label)).exists()
            or Tenant.objects.filter(schema_name=schema_of(label)).exists()
        )


def host_of(label: str) -> str:
    return f"{label}.{settings.BASE_DOMAIN}"


def schema_of(label: str) -> str:
    return f"t_{label.replace('-', '_')}"


def open_company(
    *,
    user: User | None,
    company: str,
    address: str,
    email: str,
    password: str,
    name: str,
    timezone: str,
    currency: str,
    language: str,
) -> tuple[Tenant, User]:
    """Open a tenant for ``user``, or (None) for a new user with this e-mail address, name and password.

    ``address`` is the host's first label; '' takes one made of the company's name. Raises BusinessError
    ``tenants.email_taken`` (sign in first: knowing an address opens nobody's account), ``tenants.address_taken``,
    ``tenants.bad_…``, and ValidationError on a weak password.
    """
    address = address.strip().lower() or free_address(company)
    if not LABEL.match(address) or is_reserved(address):
        raise BusinessError("tenants.bad_address", address=address)
    if not address_is_free(address):
        raise BusinessError("tenants.address_taken", address=address)
    if user is None:
        email = User.objects.normalize_email(email.strip()).lower()
        validate_password(password, User(email=email, name=name))  # first: a refusal says nothing of the address
        if User.objects.filter(email=email).exists():
            raise BusinessError("tenants.email_taken")
    owner_email = email if user is None else user.email
    tenant = provision(
        name=company,
        schema=schema_of(address),
        host=host_of(address),
        owner_email=owner_email,
        password=password if user is None else None,
        timezone=timezone,
        currency=currency,
        language=language,
        actor=_signing_up(user),
        owner_name=name.strip(),
        email_proven=False,
        new_owner=user is None,
    )
    return tenant, User.objects.get(email=owner_email)


def _signing_up(user: User | None) -> Actor:
    if user is None:
        return system("signup")
    return Actor(kind="user", id=user.pk, label=(user.name or user.email)[:120])


def entry_pass(*, user: User, tenant: Tenant) -> str:
    """A token with which the user's browser signs in on the tenant's host, once and within a minute.

    Raises BusinessError ``tenants.not_a_member``.
    """
    if queries.membership(user_id=user.pk, tenant_id=tenant.pk) is None or tenant.state != Tenant.ACTIVE:
        raise BusinessError("tenants.not_a_member")
    token = random.token_urlsafe(24)
    EntryPass.objects.filter(expires_at__lt=clock.wall() - timedelta(days=1)).delete()
    EntryPass.objects.create(
        digest=_digest(token), user=user, tenant=tenant, expires_at=clock.wall() + timedelta(seconds=PASS_SECONDS)
    )
    return _signer.sign(token)


def spend_pass(*, token: str, tenant: Tenant) -> User:
    """Who may come in with this token. Raises BusinessError ``tenants.pass_void``: unknown, used, late, elsewhere."""
    try:
        digest = _digest(_signer.unsign(token))
    except signing.BadSignature:
        raise BusinessError("tenants.pass_void") from None
    with transaction.atomic():
        spent = EntryPass.objects.filter(
            digest=digest, tenant=tenant, used_at=None, expires_at__gt=clock.wall(), user__is_active=True
        ).update(used_at=clock.wall())
        if not spent:
            raise BusinessError("tenants.pass_void")
        return EntryPass.objects.select_related("user").get(digest=digest).user


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
