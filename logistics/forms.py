"""Forms of carriers: name, services with their limits, numbers; the rest is drawn from the carrier's models."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.ui.model_forms import dress
from logistics.models import Service


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name in Sampan"), max_length=80)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class ServiceForm(forms.Form):
    """A product of a carrier that rules can choose, with its limits."""

    name = forms.CharField(label=pgettext_lazy("of a thing", "Name"), max_length=120)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=120, required=False)
    code = forms.CharField(label=_("Code at the carrier"), max_length=60)
    key = forms.CharField(label=_("Key in rules"), max_length=60, help_text=_("Short and lasting, for example yun-de."))
    countries = forms.CharField(
        label=_("Countries"), max_length=900, required=False, help_text=_("Two letters each; empty: everywhere.")
    )
    max_weight_g = forms.IntegerField(
        label=_("Heaviest parcel in grams"), min_value=1, max_value=1_000_000, required=False
    )
    divisor = forms.IntegerField(
        label=_("Volumetric divisor"),
        min_value=0,
        max_value=100_000,
        initial=8000,
        help_text=_("Cubic centimetres that count as a kilogram; 0: size does not matter."),
    )
    battery = forms.BooleanField(label=_("Takes batteries"), required=False)
    number_format = forms.CharField(
        label=_("Form of its numbers"),
        max_length=200,
        required=False,
        help_text=_("A regular expression; a number that does not fit is not printed."),
    )
    channel_names = forms.CharField(
        label=_("Name told to marketplaces"),
        max_length=500,
        required=False,
        help_text=_("Where it differs, for example: amazon = Yun Express, ebay = YunExpress."),
    )
    active = forms.BooleanField(label=_("Rules may choose it"), required=False, initial=True)

    def __init__(self, *args: Any, service: Service | None = None, **kwargs: Any) -> None:
        if service is not None:
            kwargs["initial"] = {name: getattr(service, name) for name in self.base_fields} | {
                "countries": ", ".join(service.countries),
                "channel_names": ", ".join(f"{channel} = {name}" for channel, name in service.channel_names.items()),
            }
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_countries(self) -> list[str]:
        found = [part.upper() for part in re.split(r"[\s,，;；、]+", self.cleaned_data["countries"]) if part]
        bad = [part for part in found if not re.fullmatch("[A-Z]{2}", part)]
        if bad:
            raise forms.ValidationError(_("Write each country as two letters, for example DE, FR."))
        return found

    def clean_channel_names(self) -> dict[str, str]:
        out = {}
        for part in re.split(r"[,，;\n]+", self.cleaned_data["channel_names"]):
            channel, mark, name = (piece.strip() for piece in part.partition("="))
            if mark and channel and name:
                out[channel.lower()] = name[:80]
            elif part.strip():
                raise forms.ValidationError(_("Write it as marketplace = name, separated by commas."))
        return out


class NumbersForm(forms.Form):
    numbers = forms.CharField(
        label=_("Numbers"),
        max_length=1_000_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "control mono", "spellcheck": "false"}),
        help_text=_("Paste them from the carrier's file, one or several a line. Each is used once."),
    )
