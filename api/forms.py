"""Forms of keys and webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from api import news, scopes
from api.services.keys import LEAST_A_MINUTE, MOST_A_MINUTE, USUAL_A_MINUTE
from core import clock
from core.permissions import Actor
from core.words import say

EXPIRIES = (("90", _("in 90 days")), ("30", _("in 30 days")), ("365", _("in a year")), ("", _("never")))


class KeyForm(forms.Form):
    """``operations`` in groups, only those that the maker has."""

    name = forms.CharField(
        label=pgettext_lazy("of a thing", "Name"),
        max_length=80,
        help_text=_("Which program uses it, for example “Shop sync”."),
    )
    expires = forms.ChoiceField(label=_("Ends"), choices=EXPIRIES, required=False, initial="90")
    per_minute = forms.IntegerField(
        label=_("Calls a minute"), min_value=LEAST_A_MINUTE, max_value=MOST_A_MINUTE, initial=USUAL_A_MINUTE
    )
    operations = forms.MultipleChoiceField(
        label=_("Scopes"), error_messages={"required": _("Tick at least one thing that the key may do.")}
    )
    accounts = forms.TypedMultipleChoiceField(
        label=_("Only these channel accounts"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    warehouses = forms.TypedMultipleChoiceField(
        label=_("Only these warehouses"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, actor: Actor, places: dict[str, list[tuple[int, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [one for _heading, group in scopes.GROUPS for one in group if actor.can(one)]
        field = self.fields["operations"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(one, say(f"scope.{one}")) for one in mine]
        self.chosen = set(self.data.getlist("operations") if self.is_bound else scopes.READING)  # type: ignore[attr-defined]
        self.groups = [
            (heading, [(one, say(f"scope.{one}"), one in self.chosen) for one in group if one in mine])
            for heading, group in scopes.GROUPS
        ]
        for kind, seen in (("accounts", actor.accounts), ("warehouses", actor.warehouses)):
            choices = self.fields[kind]
            assert isinstance(choices, forms.TypedMultipleChoiceField)
            choices.choices = [(pk, name) for pk, name in places.get(kind, []) if seen is None or pk in seen]
            if not choices.choices:
                del self.fields[kind]
        for name in ("name", "expires", "per_minute"):
            self.fields[name].widget.attrs["class"] = "control"

    def values(self) -> dict[str, Any]:
        """As ``services.keys.make`` takes them."""
        data = self.cleaned_data
        days = data["expires"]
        return {
            "name": data["name"],
            "operations": data["operations"],
            "accounts": data.get("accounts") or None,
            "warehouses": data.get("warehouses") or None,
            "expires_at": clock.now() + timedelta(days=int(days)) if days else None,
            "per_minute": data["per_minute"],
        }


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"), max_length=500, help_text=_("It begins with https:// and can be reached from outside.")
    )
    name = forms.CharField(label=_("Short name"), max_length=80, required=False)
    events = forms.MultipleChoiceField(
        label=_("Events"),
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(one, f"{one} — {say(f'event.{one}')}") for one in news.TYPES],
        error_messages={"required": _("Tick at least one event.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("url", "name"):
            self.fields[name].widget.attrs |= {"class": "control", "autocomplete": "off", "spellcheck": "false"}
