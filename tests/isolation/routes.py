"""Every route of the product with the arguments under which both tenants have something. A route that stands in no list
fails the build: whoever adds one adds a line here, and it is tested from then on.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.isolation.rows import KEY

Arguments = dict[str, Any]
SHARED_UID = uuid.uuid5(uuid.NAMESPACE_DNS, "uid.shared")  # as rows.py makes them for a field named uid

# On a tenant's host, without signing in: the ways to sign in, and the choice of language and theme before it.
OPEN: dict[str, Arguments] = {
    "account_login": {},
    "account_logout": {},
    "account_inactive": {},
    "account_signup": {},
    "account_email_verification_sent": {},
    "account_confirm_email": {"key": "nonsense"},
    "account_confirm_login_code": {},
    "account_reset_password": {},
    "account_reset_password_done": {},
    "account_reset_password_from_key": {"uidb36": "1", "key": "nonsense"},
    "account_reset_password_from_key_done": {},
    "mfa_authenticate": {},
    "language": {},
    "theme": {},
    "spend_pass": {"token": "nonsense"},
}

# On a tenant's host, for members.
MEMBERS: dict[str, Arguments] = {
    "account_reauthenticate": {},
    "account_email": {},
    "account_change_password": {},
    "account_set_password": {},
    "mfa_index": {},
    "mfa_reauthenticate": {},
    "mfa_activate_totp": {},
    "mfa_deactivate_totp": {},
    "mfa_view_recovery_codes": {},
    "mfa_generate_recovery_codes": {},
    "mfa_download_recovery_codes": {},
    "mfa_list_webauthn": {},
    "mfa_add_webauthn": {},
    "mfa_reauthenticate_webauthn": {},
    "mfa_remove_webauthn": {"pk": KEY},
    "mfa_edit_webauthn": {"pk": KEY},
    "stored_file": {"uid": SHARED_UID},
    "today": {},
    "members": {},
    "invite_member": {},
    "withdraw_invitation": {"invitation_id": KEY},
    "member": {"membership_id": KEY},
    "shut_out_member": {"membership_id": KEY},
    "let_in_member": {"membership_id": KEY},
    "columns": {"name": "orders"},
    "orders:index": {},
    "orders:bulk_hold": {},
    "orders:bulk_route": {},
    "orders:bulk_cancel": {},
    "orders:bulk_tag": {},
    "orders:bulk_book": {},
    "orders:show": {"pk": KEY},
    "orders:hold": {"pk": KEY},
    "orders:route": {"pk": KEY},
    "orders:cancel": {"pk": KEY},
    "orders:book": {"pk": KEY},
    "orders:tag": {"pk": KEY},
    "orders:take_back": {"pk": KEY},
    "orders:settle": {"pk": KEY},
    "orders:pull": {"pk": KEY},
    "orders:reveal": {"pk": KEY, "field": "ship_name"},
    "orders:address": {"pk": KEY},
    "orders:address_undo": {"pk": KEY, "former": KEY},
    "orders:find_sku": {"pk": KEY, "listing": KEY},
    "orders:match": {"pk": KEY, "listing": KEY},
    "counts": {},
}

# Of MEMBERS: not there for a stranger, rather than asking who he is. Their addresses are found on other pages.
HIDDEN = {"stored_file"}

# On the public host. It has no tenant; what it shows of tenants it shows to their members.
PUBLIC_OPEN: dict[str, Arguments] = {
    name: arguments for name, arguments in OPEN.items() if name not in ("spend_pass",)
} | {
    "health": {},
    "public_home": {},
    "sign_up": {},
    "invitation": {"token": uuid.UUID(int=0)},
    "hook": {"platform": "ebay"},
    "hook_route": {"platform": "ebay", "route": "x"},
}
PUBLIC_USERS: dict[str, Arguments] = {
    name: arguments for name, arguments in MEMBERS.items() if name.startswith(("account_", "mfa_"))
} | {
    "my_tenants": {},
    "enter_tenant": {"tenant_id": KEY},
}
