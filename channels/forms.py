"""Forms of accounts: what every platform asks for; the rest is drawn from the adapter's models (``core.ui.model_forms``)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from core.ui.model_forms import dress

# Asked for first; the others follow by name.
USUAL_ZONES = ("UTC", "Asia/Shanghai", "America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin")


def zones() -> list[tuple[str, str]]:
    rest = sorted(name for name in available_timezones() if "/" in name and name not in USUAL_ZONES)
    return [(name, name) for name in (*USUAL_ZONES, *rest)]


class AccountForm(forms.Form):
    """What every platform needs besides its own fields."""

    name = forms.CharField(
        label=_("Name in Sampan"), max_length=80, help_text=_("As your people call the store, for example “DE lamps”.")
    )
    external_id = forms.CharField(
        label=_("Seller's id at the platform"), max_length=120, help_text=_("Merchant token, user name or shop id.")
    )
    marketplaces = forms.CharField(
        label=_("Marketplaces"), max_length=200, help_text=_("Country codes, separated by commas: US, CA, MX.")
    )
    timezone = forms.ChoiceField(label=_("Time zone of its days"), choices=zones)
    days = forms.IntegerField(
        label=_("Read orders of the last … days"), min_value=0, max_value=700, initial=14, required=False
    )

    def __init__(self, *args: Any, tells: bool = False, **kwargs: Any) -> None:
        """``tells``: the platform itself says whose keys these are, so the id may be left empty."""
        super().__init__(*args, **kwargs)
        if tells:
            self.fields["external_id"].required = False
            self.fields["external_id"].help_text = _("May stay empty: the keys tell whose they are.")
        dress(self)

    def clean_marketplaces(self) -> list[str]:
        found = [part.upper() for part in re.split(r"[\s,，;；、]+", self.cleaned_data["marketplaces"]) if part]
        if not found:
            raise forms.ValidationError(_("Name at least one marketplace, for example US or DE."))
        return found


class ChangeForm(forms.Form):
    name = forms.CharField(label=_("Name in Sampan"), max_length=80)
    timezone = forms.ChoiceField(label=_("Time zone of its days"), choices=zones)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class AgainForm(forms.Form):
    """Since when a job is read once more; the time is in the reader's zone."""

    since = forms.DateTimeField(
        label=_("Since"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), input_formats=["%Y-%m-%dT%H:%M"]
    )
    job = forms.ChoiceField(label=_("What"), choices=[("orders", _("Orders")), ("messages", _("Messages"))])

    def __init__(self, *args: Any, zone: str = "UTC", jobs: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        if jobs is not None:
            field = self.fields["job"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(key, label) for key, label in field.choices if key in jobs]  # type: ignore[union-attr, misc]
        dress(self)

    def since_utc(self) -> datetime:
        given: datetime = self.cleaned_data["since"]
        return given if given.tzinfo is not None else given.replace(tzinfo=ZoneInfo(self.zone))


class ConfirmationForm(forms.Form):
    carrier = forms.CharField(label=_("Carrier, as the marketplace is told"), max_length=80)
    tracking_number = forms.CharField(label=_("Tracking number"), max_length=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)
