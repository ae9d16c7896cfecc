"""Acts on tenants, their hosts and their people. They work on ``public``, whatever schema is current."""

from tenants.services.members import (
    accept_invitation,
    change_me,
    change_member,
    deactivate_member,
    invite,
    mailed_mark,
    note_seen,
    open_invitation,
    reactivate_member,
    withdraw_invitation,
)
from tenants.services.migrating import Outcome, migrate_tenants
from tenants.services.profile import change_profile
from tenants.services.provisioning import complete, drop_tenant, finish_all, provision, schedule_everywhere
from tenants.services.signup import entry_pass, free_address, open_company, spend_pass

__all__ = [
    "Outcome",
    "accept_invitation",
    "change_me",
    "change_profile",
    "change_member",
    "complete",
    "deactivate_member",
    "drop_tenant",
    "entry_pass",
    "finish_all",
    "free_address",
    "invite",
    "mailed_mark",
    "migrate_tenants",
    "note_seen",
    "open_company",
    "open_invitation",
    "provision",
    "reactivate_member",
    "schedule_everywhere",
    "spend_pass",
    "withdraw_invitation",
]
