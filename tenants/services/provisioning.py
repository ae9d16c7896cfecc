"""Opening and closing a tenant. Two transactions: the claim (name, host, owner, key), then the schema and *active*.

Killed between the two, the tenant stays *provisioning*: the same call, or ``manage.py setup``, completes it. Killed
inside one of them, PostgreSQL takes it back.
"""

from __future__ import annotations

import logging
import re
import uuid

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from core import files
from core.audit import record
from core.central import due
from core.central.models import Due, Outbox
from core.clock import now
from core.errors import BusinessError
from core.permissions import OWNER, Actor
from core.secrets import make_wrapped_key
from core.secrets.box import forget_keys, key_id_of
from core.tenancy import public_context, tenant_context
from tenants import migration, ports, template
from tenants.choices import known_currencies, known_timezones
from tenants.models import Domain, Membership, Tenant, User
from tenants.permissions import DROP

log = logging.getLogger(__name__)

SCHEMA = re.compile(r"t_[a-z0-9][a-z0-9_]{0,39}\Z")
HOST = re.compile(r"(?=.{1,200}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")


def provision(
    *,
    name: str,
    schema: str,
    host: str,
    owner_email: str,
    password: str | None,
    timezone: str,
    currency: str,
    language: str,
    actor: Actor,
    owner_name: str = "",
    email_proven: bool = True,
    new_owner: bool = False,
) -> Tenant:
    """Open a tenant: schema (``t_…``), host, data key, owner. Called again with the same schema, host and owner it
    completes what was begun, or gives the tenant that is there.

    An owner who has an account keeps the password; None makes an account that nobody can sign in to before a password
    was set. ``email_proven``: the new owner need not confirm the address. ``new_owner``: an address that has an account by
    now is refused. Raises BusinessError (``tenants.…``) for a value that is refused or taken.
    """
    host = host.lower()
    _check(name=name, schema=schema, host=host, timezone=timezone, currency=currency, language=language)
    with public_context():
        try:
            with transaction.atomic():
                tenant = _claim(name, schema, host, timezone, currency, language)
                owner = _owner(owner_email, password, owner_name, language, email_proven, new_owner)
                _own(tenant, owner)
        except IntegrityError as error:  # somebody else was faster
            raise BusinessError("tenants.address_taken", address=host) from error
    return complete(tenant_id=tenant.pk, actor=actor)


def complete(*, tenant_id: int, actor: Actor) -> Tenant:
    """Make the schema of a tenant that is *provisioning*, and the tenant active. Nothing happens when it is."""
    with public_context():
        tenant = Tenant.objects.get(pk=tenant_id)
        if tenant.state != Tenant.PROVISIONING:
            return tenant
        with migration.only_one(tenant.schema_name):
            if _must_migrate(tenant.schema_name):
                _by_migrations(tenant.schema_name)
            with transaction.atomic():
                tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
                if tenant.state == Tenant.PROVISIONING:
                    if not _exists(tenant.schema_name):
                        template.replay(tenant.schema_name)
                    run_setup_steps(schema=tenant.schema_name, actor=actor)
                    with tenant_context(tenant.schema_name):
                        record(actor, "tenant", tenant.pk, "tenants.opened")
                    tenant.state, tenant.migration_head = Tenant.ACTIVE, migration.head()
                    tenant.save(update_fields=["state", "migration_head"])
        return tenant


def finish_all(*, actor: Actor) -> list[str]:
    """Complete every tenant whose provisioning was interrupted; their schemas."""
    with public_context():
        waiting = list(Tenant.objects.filter(state=Tenant.PROVISIONING).order_by("pk"))
    return [complete(tenant_id=tenant.pk, actor=actor).schema_name for tenant in waiting]


def run_setup_steps(*, schema: str, actor: Actor) -> None:
    """The jobs that every tenant has, and what the apps registered in ``tenants.ports``, in the tenant's schema."""
    due.schedule_defaults(schema)
    order = {label: place for place, label in enumerate(migration.tenant_labels())}
    steps = sorted(ports.setup_steps().items(), key=lambda item: (order.get(item[0].split(".")[0], 99), item[0]))
    with tenant_context(schema):
        for _name, step in steps:
            step(actor)


def schedule_everywhere() -> None:
    """Give every tenant the jobs that newer code brings along; rows that are there keep their times."""
    with public_context(), transaction.atomic():
        for schema in Tenant.objects.exclude(state=Tenant.CLOSED).values_list("schema_name", flat=True):
            due.schedule_defaults(schema)


def drop_tenant(*, schema: str, actor: Actor) -> bool:
    """Remove a tenant with all its data, files too; False when there is none. Cannot be undone.

    It is closed first (nobody gets in any more, no work is claimed), and the row goes last: a killed call is repeated.
    """
    actor.require(DROP)
    with public_context():
        tenant = Tenant.objects.filter(schema_name=schema).first()
        if tenant is None:
            return False
        Tenant.objects.filter(pk=tenant.pk).update(state=Tenant.CLOSED)
        Outbox.objects.filter(schema=schema).delete()
        Due.objects.filter(schema=schema).delete()
        with migration.only_one(schema), connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {connection.ops.quote_name(schema)} CASCADE")
        files.remove_all(tenant.uid)  # labels and exports name buyers
        log.warning("tenant %s dropped by %s", schema, actor.label)
        tenant.delete()
        forget_keys()
    return True


def _check(*, name: str, schema: str, host: str, timezone: str, currency: str, language: str) -> None:
    if not name.strip() or len(name) > 120:
        raise BusinessError("tenants.bad_name")
    if not SCHEMA.match(schema):
        raise BusinessError("tenants.bad_schema", schema=schema)
    if not HOST.match(host) or host in settings.PUBLIC_HOSTS:
        raise BusinessError("tenants.bad_address", address=host)
    if timezone not in known_timezones():
        raise BusinessError("tenants.bad_timezone", timezone=timezone)
    if currency not in known_currencies():
        raise BusinessError("tenants.bad_currency", currency=currency)
    if language not in dict(settings.LANGUAGES):
        raise BusinessError("tenants.bad_language", language=language)


def _claim(name: str, schema: str, host: str, timezone: str, currency: str, language: str) -> Tenant:
    tenant = Tenant.objects.select_for_update().filter(schema_name=schema).first()
    if tenant is None:
        uid = uuid.uuid4()
        wrapped = make_wrapped_key(str(uid))
        tenant = Tenant.objects.create(
            schema_name=schema,
            uid=uid,
            wrapped_key=wrapped,
            key_id=key_id_of(wrapped),
            name=name.strip(),
            timezone=timezone,
            currency=currency,
            language=language,
            created_at=now(),
        )
        Domain.objects.create(tenant=tenant, domain=host, is_primary=True)
    elif not Domain.objects.filter(tenant=tenant, domain=host).exists():
        raise BusinessError("tenants.address_taken", address=host)
    return tenant


def _owner(email: str, password: str | None, name: str, language: str, proven: bool, new: bool) -> User:
    email = User.objects.normalize_email(email.strip()).lower()
    known = User.objects.filter(email=email).first()
    if known is not None and new:  # made since the sign-up looked: it would be signed in to somebody else's account
        raise BusinessError("tenants.email_taken")
    if known is not None:
        return known
    owner = User.objects.create_user(email, password, name=name, language=language, date_joined=now())
    EmailAddress.objects.create(user=owner, email=email, primary=True, verified=proven)
    return owner


def _own(tenant: Tenant, owner: User) -> None:
    """The first owner of a fresh tenant; for one that is there already the caller must be its owner."""
    if Membership.objects.filter(tenant=tenant).exists():
        if not Membership.objects.filter(tenant=tenant, user=owner, role=OWNER, active=True).exists():
            raise BusinessError("tenants.address_taken", address=tenant.schema_name)
        return
    Membership.objects.create(tenant=tenant, user=owner, role=OWNER, created_at=now())


def _exists(schema: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)", [schema])
        row = cursor.fetchone()
    return bool(row and row[0])


def _must_migrate(schema: str) -> bool:
    """True where the schema cannot come from the template: it was begun by migrations, or the template is stale."""
    return _exists(schema) or not template.is_current()


def _by_migrations(schema: str) -> None:
    if not _exists(schema) and settings.TEMPLATE_REQUIRED:
        raise BusinessError("tenants.template_stale")
    log.warning("tenants/schema_template.sql is stale (run `manage.py build_template`): %s made by migrations", schema)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {connection.ops.quote_name(schema)}")
    migration.run(schema)
