"""A simple rule without a language of its own: who it is for, and what it chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.ui.model_forms import dress

Choices = Sequence[tuple[str, str]]


class RuleForm(forms.Form):
    """Everything that is filled in must hold; what is empty does not matter."""

    name = forms.CharField(label=pgettext_lazy("of a thing", "Name"), max_length=80)
    account = forms.ChoiceField(label=_("Orders of the account"), required=False)
    countries = forms.CharField(
        label=_("To the countries"),
        max_length=300,
        required=False,
        help_text=_("Two letters each, for example DE, FR."),
    )
    heaviest = forms.IntegerField(label=_("Goods weigh at most (g)"), min_value=1, required=False)
    skus = forms.CharField(label=_("A SKU starts with"), max_length=80, required=False)
    battery = forms.ChoiceField(
        label=_("Battery"), choices=[("", _("does not matter")), ("1", _("yes")), ("0", _("no"))], required=False
    )
    service = forms.ChoiceField(label=_("Then: service"), required=False)
    warehouse = forms.ChoiceField(label=_("Then: warehouse"), required=False)
    tag = forms.CharField(label=_("Then: tag"), max_length=40, required=False)
    hold = forms.CharField(label=_("Then: hold, because"), max_length=120, required=False)
    stop = forms.BooleanField(label=_("Ask no further rule"), required=False)

    def __init__(self, *args: Any, accounts: Choices, services: Choices, warehouses: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows, empty in (
            ("account", accounts, _("all accounts")),
            ("service", services, _("leave it")),
            ("warehouse", warehouses, _("leave it")),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", empty), *rows]
        dress(self)

    def clean_countries(self) -> list[str]:
        found = [part.upper() for part in re.split(r"[\s,，;；、]+", self.cleaned_data["countries"]) if part]
        if any(not re.fullmatch("[A-Z]{2}", part) for part in found):
            raise forms.ValidationError(_("Write each country as two letters, for example DE, FR."))
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not any(data.get(name) for name in ("service", "warehouse", "tag", "hold", "stop")):
            self.add_error("service", _("Say what the rule does: choose a service, a warehouse, a tag or a hold."))
        return data

    def rule(self) -> dict[str, Any]:
        """In the engine's shape (``core.rules.conditions``)."""
        data = self.cleaned_data
        asked: list[dict[str, Any]] = []
        if data["account"]:
            asked.append({"field": "account", "op": "eq", "value": data["account"]})
        if data["countries"]:
            asked.append({"field": "country", "op": "in", "value": data["countries"]})
        if data["heaviest"]:
            asked.append({"field": "weight_g", "op": "lte", "value": data["heaviest"]})
        if data["skus"]:
            asked.append({"field": "sku", "op": "starts_with", "value": data["skus"], "lines": "any"})
        if data["battery"]:
            asked.append({"field": "battery", "op": "eq", "value": data["battery"] == "1"})
        does = [{"do": name, "value": data[name]} for name in ("service", "warehouse", "tag", "hold") if data[name]]
        made: dict[str, Any] = {"name": data["name"], "conditions": {"all": asked}, "actions": does}
        return {**made, "stop": True} if data["stop"] else made
