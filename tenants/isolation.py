"""Proof, on a live database, that tenants are apart: what stands in the catalogue and in the rows, not what was meant.

Each finding names a tenant's schema, what is wrong and where. An empty list is the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from core import bulk
from core.tenancy import public_context
from tenants.checks import MOST_TABLES, tenant_models
from tenants.models import Membership, Tenant


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` is the name of the rule, ``where`` the table, trigger, row … and ``what`` a sentence."""

    schema: str
    check: str
    where: str
    what: str


Check = Callable[[list[str]], Iterator[Finding]]


def findings() -> list[Finding]:
    """All findings of all tenants that are not closed."""
    with public_context():
        schemas = list(
            Tenant.objects.exclude(state__in=[Tenant.CLOSED, Tenant.PROVISIONING])
            .order_by("schema_name")
            .values_list("schema_name", flat=True)
        )
        catalogue: list[Check] = [_schemas, _tables, _foreign_keys, _sequences, _triggers, _functions, _dependencies]
        rows: list[Check] = [_rows_of_people, _scopes, _files, _central_rows]
        found = [finding for check in catalogue for finding in check(schemas)]
        # Rows are read where the tables are there; that they are not has been found already.
        lacking = {finding.schema for finding in found if finding.check in ("schema", "tables")}
        sound = [schema for schema in schemas if schema not in lacking]
        found += [finding for check in rows for finding in check(sound)]
    return sorted(found, key=lambda finding: (finding.schema, finding.check, finding.where))


def _schemas(schemas: list[str]) -> Iterator[Finding]:
    rows = bulk.fetch(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\_%%'")
    there = {name for (name,) in rows}
    for schema in sorted(set(schemas) - there):
        yield Finding(schema, "schema", schema, "the tenant has no schema")
    known = set(Tenant.objects.values_list("schema_name", flat=True))
    for schema in sorted(there - known):
        yield Finding(schema, "schema", schema, "the schema belongs to no tenant")


def _tables(schemas: list[str]) -> Iterator[Finding]:
    """Every tenant has exactly the tables of the models, and public has none of them."""
    wanted = {model._meta.db_table for model in tenant_models()} | {"django_migrations"}
    sql = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)"
    have: dict[str, set[str]] = {schema: set() for schema in schemas}
    for schema, table in bulk.fetch(sql, [schemas]):
        have[schema].add(table)
    for schema, tables in have.items():
        for table in sorted(wanted - tables):
            yield Finding(schema, "tables", table, "the table is missing")
        for table in sorted(tables - wanted):
            yield Finding(schema, "tables", table, "no model knows the table")
        if len(tables) > MOST_TABLES:
            yield Finding(schema, "tables", schema, f"{len(tables)} tables, more than {MOST_TABLES}")
    for _schema, table in bulk.fetch(sql, [["public"]]):
        if table in wanted - {"django_migrations"}:
            yield Finding("public", "tables", table, "a table of the tenants stands in public")


def _foreign_keys(schemas: list[str]) -> Iterator[Finding]:
    sql = """
        SELECT n.nspname, c.relname, k.conname, fn.nspname, f.relname
          FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
         WHERE k.contype = 'f' AND n.oid <> fn.oid AND (n.nspname = ANY(%s) OR fn.nspname = ANY(%s))
    """
    for schema, table, name, other, target in bulk.fetch(sql, [schemas, schemas]):
        yield Finding(schema, "foreign_key", f"{table}.{name}", f"the key points to {other}.{target}")


def _sequences(schemas: list[str]) -> Iterator[Finding]:
    """No sequence is owned by, or feeds, a column of another schema."""
    sql = """
        SELECT n.nspname, t.relname, sn.nspname, s.relname
          FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace
          JOIN pg_depend d ON (d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
          JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE s.relkind = 'S' AND n.oid <> sn.oid AND (n.nspname = ANY(%s) OR sn.nspname = ANY(%s))
        UNION
        SELECT n.nspname, t.relname, sn.nspname, s.relname
          FROM pg_attrdef a JOIN pg_class t ON t.oid = a.adrelid JOIN pg_namespace n ON n.oid = t.relnamespace
          JOIN pg_depend d ON (d.objid = a.oid AND d.classid = 'pg_attrdef'::regclass)
          JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
         WHERE n.oid <> sn.oid AND (n.nspname = ANY(%s) OR sn.nspname = ANY(%s))
    """
    for schema, table, other, sequence in bulk.fetch(sql, [schemas] * 4):
        yield Finding(schema, "sequence", table, f"the table counts by {other}.{sequence}")


def _triggers(schemas: list[str]) -> Iterator[Finding]:
    sql = """
        SELECT n.nspname, c.relname, t.tgname, fn.nspname, f.proname
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace fn ON fn.oid = f.pronamespace
         WHERE NOT t.tgisinternal AND n.nspname = ANY(%s) AND n.oid <> fn.oid
    """
    for schema, table, trigger, other, function in bulk.fetch(sql, [schemas]):
        yield Finding(schema, "trigger", f"{table}.{trigger}", f"the trigger calls {other}.{function}")


def _functions(schemas: list[str]) -> Iterator[Finding]:
    """A function of a tenant names no schema: it works on whatever schema its caller is in."""
    sql = r"""
        SELECT n.nspname, f.proname, substring(f.prosrc FROM '\m(public|t_[a-z0-9_]+)\.[a-z_"]')
          FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
         WHERE n.nspname = ANY(%s) AND f.prosrc ~ '\m(public|t_[a-z0-9_]+)\.[a-z_"]'
    """
    for schema, function, named in bulk.fetch(sql, [schemas]):
        yield Finding(schema, "function", function, f"the function names the schema {named}")
    sql = """
        SELECT n.nspname, f.proname, array_to_string(f.proconfig, ' ')
          FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
         WHERE n.nspname = ANY(%s) AND array_to_string(f.proconfig, ' ') LIKE '%%search_path%%'
    """
    for schema, function, config in bulk.fetch(sql, [schemas]):
        yield Finding(schema, "function", function, f"the function sets {config}")


def _dependencies(schemas: list[str]) -> Iterator[Finding]:
    """Views, rules and defaults of a tenant use nothing of another schema."""
    sql = """
        SELECT DISTINCT n.nspname, v.relname, n2.nspname, used.relname
          FROM pg_rewrite r
          JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
          JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
               AND d.refclassid = 'pg_class'::regclass
          JOIN pg_class used ON used.oid = d.refobjid JOIN pg_namespace n2 ON n2.oid = used.relnamespace
         WHERE n.oid <> n2.oid AND (n.nspname = ANY(%s) OR n2.nspname = ANY(%s))
           AND n2.nspname NOT IN ('pg_catalog', 'information_schema')
    """
    for schema, view, other, used in bulk.fetch(sql, [schemas, schemas]):
        yield Finding(schema, "view", view, f"the view reads {other}.{used}")


def _rows_of_people(schemas: list[str]) -> Iterator[Finding]:
    """Whoever is named in a tenant's rows as actor, assignee or user is or was a member of it."""
    members: dict[str, set[int]] = {schema: set() for schema in schemas}
    for schema, user in Membership.objects.values_list("tenant__schema_name", "user_id"):
        members.setdefault(schema, set()).add(user)
    sql = """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
         WHERE table_schema = ANY(%s) AND column_name IN ('actor_id', 'assignee_id', 'user_id')
    """
    quote = connection.ops.quote_name
    for schema, table, column in bulk.fetch(sql, [schemas]):
        strangers = f"SELECT DISTINCT {column} FROM {quote(schema)}.{quote(table)} WHERE {column} <> ALL(%s)"
        for (user,) in bulk.fetch(strangers, [sorted(members[schema])]):
            yield Finding(schema, "member", f"{table}.{column}", f"user {user} never was a member")


def _scopes(schemas: list[str]) -> Iterator[Finding]:
    """Scopes of memberships, and routes of webhooks, name rows that the tenant has."""
    tables = {"accounts": "channels_account", "warehouses": "inventory_warehouse"}
    for membership in Membership.objects.select_related("tenant").filter(tenant__schema_name__in=schemas):
        schema = membership.tenant.schema_name
        for kind, table in tables.items():
            wanted = getattr(membership, kind)
            if wanted:
                for key in sorted(set(wanted) - _keys(schema, table)):
                    yield Finding(schema, "scope", f"membership {membership.pk}", f"{kind} names {key}, not there")
    routes = """
        SELECT t.schema_name, r.id, r.account_id FROM tenants_webhookroute r JOIN tenants_tenant t ON t.id = r.tenant_id
         WHERE t.schema_name = ANY(%s)
    """
    for schema, route, account in bulk.fetch(routes, [schemas]):
        if account not in _keys(schema, "channels_account"):
            yield Finding(schema, "route", f"route {route}", f"it leads to account {account}, not there")


def _keys(schema: str, table: str) -> set[int]:
    quote = connection.ops.quote_name
    return {key for (key,) in bulk.fetch(f"SELECT id FROM {quote(schema)}.{quote(table)}")}


def _files(schemas: list[str]) -> Iterator[Finding]:
    """Every file lies in its tenant's own folder, ``t/<uid>/``."""
    uids = dict(Tenant.objects.filter(schema_name__in=schemas).values_list("schema_name", "uid"))
    for schema, uid in uids.items():
        table = f"{connection.ops.quote_name(schema)}.records_storedfile"
        sql = (
            f"SELECT id, path FROM {table} WHERE NOT starts_with(path, %s) OR path LIKE '%%..%%' OR path LIKE '%%//%%'"
        )
        for key, path in bulk.fetch(sql, [f"t/{uid}/"]):
            yield Finding(schema, "file", f"file {key}", f"{path} lies outside of the tenant's folder")


def _central_rows(schemas: list[str]) -> Iterator[Finding]:
    """What stands in public for a tenant names one that exists."""
    known = set(Tenant.objects.values_list("schema_name", flat=True)) | {"public"}
    for table in ("central_outbox", "central_due"):
        for (schema,) in bulk.fetch(f"SELECT DISTINCT schema FROM {table} WHERE schema <> ALL(%s)", [sorted(known)]):
            yield Finding(schema, "central", table, "rows of a tenant that does not exist")
