"""Forms of sign-up, invitation and members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.permissions import ROLES
from core.words import say
from tenants.choices import CURRENCIES, TIMEZONES
from tenants.models import User


def same(names: list[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


def new_password() -> forms.CharField:
    return forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 12 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class CompanyForm(forms.Form):
    """A company of a user who is signed in."""

    company = forms.CharField(label=_("Company"), max_length=120)
    address = forms.CharField(
        label=_("Web address"),
        max_length=32,
        required=False,
        help_text=_("The first part of your address: small letters, digits and hyphens. Left empty, we choose one."),
    )
    timezone = forms.ChoiceField(label=_("Time zone"), choices=same(TIMEZONES), initial="Asia/Shanghai")
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=same(CURRENCIES),
        initial="CNY",
        help_text=_("Stock is valued and profit is counted in it."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=[("en", "English"), ("zh-hans", "简体中文")])


class SignUpForm(CompanyForm):
    """A company and the account of the person who opens it."""

    name = forms.CharField(label=_("Your name"), max_length=120, required=False)
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = new_password()

    field_order = ["company", "address", "name", "email", "password", "timezone", "currency", "language"]


class JoinForm(forms.Form):
    """The account of an invited person who has none yet."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = new_password()


class MeForm(forms.Form):
    """A person's own name and language."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("en", "English"), ("zh-hans", "简体中文")],
        help_text=_("Of the pages, on every device, and of what Sampan sends you."),
    )


class ScopeForm(forms.Form):
    """Role and scope. Accounts and warehouses are handed in by whoever knows them: (id, name); none ticked means all."""

    role = forms.ChoiceField(
        label=_("Role"), choices=lambda: [(role, say(f"role.{role}")) for role in ROLES], initial="clerk"
    )
    accounts = forms.TypedMultipleChoiceField(
        label=_("Only these channel accounts"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    warehouses = forms.TypedMultipleChoiceField(
        label=_("Only these warehouses"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, scopes: dict[str, list[tuple[int, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in ("accounts", "warehouses"):
            field = self.fields[kind]
            assert isinstance(field, forms.TypedMultipleChoiceField)
            offered = list(scopes.get(kind, []))
            known = {pk for pk, _ in offered}
            # What the member is narrowed to stays in the form, also when it is gone: leaving it out would mean all.
            offered += [(pk, f"#{pk}") for pk in self.initial.get(kind) or [] if pk not in known]
            field.choices = offered
            if not field.choices:
                del self.fields[kind]

    def scope(self, kind: str) -> list[int] | None:
        return sorted(self.cleaned_data.get(kind) or []) or None


class InviteForm(ScopeForm):
    email = forms.EmailField(label=_("E-mail"))

    field_order = ["email", "role", "accounts", "warehouses"]

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"]).lower()


class ProfileForm(forms.Form):
    """What the company says of itself. ``fixed``: something is valued in the currency, so it stays."""

    name = forms.CharField(label=_("Company"), max_length=120)
    timezone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Days, deadlines and periods are counted in it."), choices=same(TIMEZONES)
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=same(CURRENCIES))
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("en", "English"), ("zh-hans", "简体中文")],
        help_text=_("Of members who have not chosen one themselves."),
    )

    def __init__(self, *args: Any, fixed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, known in (("timezone", TIMEZONES), ("currency", CURRENCIES)):
            field, now = self.fields[name], self.initial.get(name, "")
            assert isinstance(field, forms.ChoiceField)
            if now and now not in known:
                field.choices = same([now, *known])
        if fixed:
            self.fields["currency"].disabled = True
            self.fields["currency"].help_text = _("Stock is valued in it already, so it stays.")
        else:
            self.fields["currency"].help_text = _("Stock is valued and profit is counted in it.")
        for one in self.fields.values():
            one.widget.attrs["class"] = "control"
