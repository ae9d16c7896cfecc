"""Companies on the installation: opening one, its people, the way in."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "tenants.bad_name": _("Give the company a name of at most 120 characters."),
    "tenants.bad_schema": _("{schema} is no name of a schema: t_ and small letters, digits, underscores."),
    "tenants.bad_address": _("Choose 3 to 32 small letters, digits or hyphens; some words are reserved."),
    "tenants.bad_timezone": _("{timezone} is no time zone. Choose one of the list."),
    "tenants.bad_currency": _("{currency} is no currency. Choose one of the list."),
    "tenants.bad_language": _("{language} is not one of the languages of this installation."),
    "tenants.bad_role": _("There is no role {role}. Choose one of the list."),
    "tenants.address_taken": _("This address is taken already. Choose another one."),
    "tenants.email_taken": _("This e-mail address has an account already. Sign in first, then try again."),
    "tenants.template_stale": _("No company can be opened now: the operators have to rebuild the SQL template."),
    "tenants.already_member": _("This person is a member already. Change the role in the list."),
    "tenants.no_such_member": _("This person is no member of the company any more. Load the page again."),
    "tenants.last_owner": _("The company must keep an owner. Make somebody else an owner first."),
    "tenants.not_a_member": _("You are no member of this company. Ask one of its owners for an invitation."),
    "tenants.pass_void": _("This link has been used or is too old. Sign in."),
    "tenants.invitation_void": _("This invitation was used or withdrawn, or is too old. Ask for a new one."),
    "tenants.invited_somebody_else": _("The invitation is for another address. Sign out, then open its link again."),
    # the history of a company and its people
    "tenants.opened": _("Company opened"),
    "tenants.invited": _("Invited as {role:role.}"),
    "tenants.invitation_withdrawn": _("Invitation withdrawn"),
    "tenants.joined": _("Joined as {role:role.}"),
    "tenants.member_changed": _("Role changed from {before:role.} to {role:role.}"),
    "tenants.member_deactivated": _("Shut out"),
    "tenants.member_reactivated": _("Let in again"),
    "role.owner": _("Owner"),
    "role.manager": _("Manager"),
    "role.clerk": _("Order clerk"),
    "role.warehouse": _("Warehouse"),
    "role.service": _("Customer service"),
    "role.finance": _("Finance"),
    "role.viewer": _("Viewer"),
}
