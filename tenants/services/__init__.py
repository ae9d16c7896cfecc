"""Acts on tenants, their hosts and their people. Everything here works on ``public``, whatever schema is current."""

from tenants.services.migrating import Outcome, migrate_tenants
from tenants.services.provisioning import complete, drop_tenant, finish_all, provision

__all__ = ["Outcome", "complete", "drop_tenant", "finish_all", "migrate_tenants", "provision"]
