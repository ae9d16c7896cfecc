"""Operations on a tenant's people and on the tenant itself."""

from core.permissions import MANAGER, operation

SEE_MEMBERS = operation("tenants.see_members", MANAGER)
MANAGE_MEMBERS = operation("tenants.manage_members")  # the owner alone
PROFILE = operation("tenants.profile", MANAGER)
DROP = operation("tenants.drop")
