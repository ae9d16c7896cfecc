"""The form of what a tenant chooses about booking, weighing and the notice to the marketplace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.options import AT_HANDOVER, AT_LABEL

IOSS = "ioss_"  # fields' names: with a platform's key behind it


class ChosenForm(forms.Form):
    """``platforms``: {key: name}, each with a field for its IOSS number."""

    tell = forms.ChoiceField(
        label=_("Tell the marketplace"),
        choices=[
            (AT_HANDOVER, _("when the parcel is handed over")),
            (AT_LABEL, _("as soon as its label is there")),
        ],
        help_text=_("At the label it is earlier, but a parcel that is taken back afterwards has been told already."),
    )
    packaging_g = forms.IntegerField(
        label=_("Weight of the packaging (g)"), help_text=_("Added to the goods when a parcel is booked.")
    )
    customs_name_en = forms.CharField(
        label=_("Customs name, English"),
        required=False,
        max_length=100,
        help_text=_("For SKUs without a customs name of their own."),
    )
    customs_name_zh = forms.CharField(label=_("Customs name, Chinese"), required=False, max_length=100)
    tolerance_g = forms.IntegerField(label=_("Tolerance of the scale (g)"))
    tolerance_percent = forms.FloatField(
        label=_("Tolerance of the scale (%)"),
        help_text=_("The larger of both counts; what lies outside must be accepted on purpose."),
    )
    must_weigh = forms.BooleanField(label=_("Every parcel must be weighed before it is handed over"), required=False)

    def __init__(self, data: Any, *, platforms: Mapping[str, str], initial: Mapping[str, Any]) -> None:
        numbers = {f"{IOSS}{key}": number for key, number in initial["ioss"].items()}
        super().__init__(data, initial={**initial, **numbers})
        self.platforms = platforms
        for key, name in platforms.items():
            self.fields[f"{IOSS}{key}"] = forms.CharField(
                label=_("IOSS number for %(platform)s") % {"platform": name},
                required=False,
                max_length=20,
                help_text=_("IM and ten digits, as the marketplace shows it; goes with parcels to the EU only."),
            )

    def ioss(self) -> dict[str, str]:
        """{platform: number} of the fields that are shown."""
        return {key: self.cleaned_data[f"{IOSS}{key}"] for key in self.platforms}

    def refuse(self, names: str) -> None:
        """Put a refusal beside the fields that the options named (comma-separated)."""
        for name in names.split(", "):
            if name == "ioss":
                for field in self.fields:
                    if field.startswith(IOSS) and self.cleaned_data.get(field):
                        self.add_error(field, _("Give IM and ten digits, or nothing."))
            else:
                self.add_error(name if name in self.fields else None, _("This is missing or not right."))
