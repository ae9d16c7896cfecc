"""Forms of the order page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.words import say

# Which field of the form an answer of ``orders.address.problems`` belongs under.
FIELD_OF = {
    "name": "ship_name",
    "street": "ship_lines",
    "city": "ship_city",
    "postcode": "ship_postcode",
    "country": "ship_country",
}


class AddressForm(forms.Form):
    """The receiver. ``version`` guards against two people editing one order."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    ship_name = forms.CharField(label=_("Name"), max_length=200, required=False)
    ship_company = forms.CharField(label=_("Company"), max_length=200, required=False)
    ship_lines = forms.CharField(
        label=_("Street and house number"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=600
    )
    ship_postcode = forms.CharField(label=_("Postcode"), max_length=30, required=False)
    ship_city = forms.CharField(label=_("City"), max_length=120, required=False)
    ship_district = forms.CharField(label=_("District"), max_length=120, required=False)
    ship_region = forms.CharField(label=_("State or province"), max_length=120, required=False)
    ship_country = forms.CharField(label=_("Country (two letters)"), max_length=2, required=False)
    ship_phone = forms.CharField(label=_("Phone"), max_length=60, required=False)
    ship_email = forms.CharField(label=_("E-mail"), max_length=254, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "control"
            if self.is_bound and self.errors.get(name):
                field.widget.attrs["aria-invalid"] = "true"

    def clean_ship_country(self) -> str:
        code = str(self.cleaned_data["ship_country"]).strip().upper()
        if code and (len(code) != 2 or not code.isascii() or not code.isalpha()):
            raise forms.ValidationError(_("Write the country as two letters, for example DE or US."))
        return code

    def changes(self) -> dict[str, Any]:
        """In the shape of ``acts.edit_address``: the street as a list of lines."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        data["ship_lines"] = [line.strip() for line in data["ship_lines"].splitlines() if line.strip()]
        return data

    def lacks(self, missing: list[str]) -> None:
        """Put what is missing beside its field."""
        for what in missing:
            self.add_error(FIELD_OF.get(what, "ship_name"), say(f"address.missing.{what}"))
            self.fields[FIELD_OF.get(what, "ship_name")].widget.attrs["aria-invalid"] = "true"
