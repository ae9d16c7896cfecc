"""What the tenants app has on a tenant's host: the door, and the members' pages."""

from django.urls import path

from tenants import audit_pages, company_pages, door, me_pages, member_pages, switch

urlpatterns = [
    path("settings/me/", me_pages.me, name="me"),
    path("settings/members/", member_pages.members, name="members"),
    path("settings/members/invite/", member_pages.invite, name="invite_member"),
    path(
        "settings/members/invitations/<int:invitation_id>/withdraw/", member_pages.withdraw, name="withdraw_invitation"
    ),
    path("settings/members/<int:membership_id>/", member_pages.member, name="member"),
    path("settings/members/<int:membership_id>/shut-out/", member_pages.shut_out, name="shut_out_member"),
    path("settings/members/<int:membership_id>/let-in/", member_pages.let_in, name="let_in_member"),
    path("ui/companies", switch.companies, name="companies"),
    path("ui/companies/<int:tenant_id>/enter", switch.enter, name="enter_company"),
    path("settings/company/", company_pages.profile, name="company"),
    path("settings/audit/", audit_pages.audit, name="audit"),
    path("enter/<str:token>/", door.enter, name="spend_pass"),
]
