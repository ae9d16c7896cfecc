"""Forms drawn from a plug-in's pydantic model (architecture §4): an adapter or carrier brings its settings, not a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel
from pydantic.fields import FieldInfo


class ModelForm(forms.Form):
    """Fields of ``model``. ``secret``: values are typed hidden and are never sent back to the browser.

    ``values()`` gives what was typed, for the model; blank fields are left out, so that its defaults count.
    """

    def __init__(
        self,
        model: type[BaseModel],
        data: Any = None,
        *,
        prefix: str,
        secret: bool = False,
        initial: Mapping[str, Any] | None = None,
        hide: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(data, prefix=prefix, initial=dict(initial or {}))
        self.model = model
        for name, info in model.model_fields.items():
            if name not in hide:
                self.fields[name] = _field(name, info, secret=secret)

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def refuse(self, names: str) -> None:
        """Put a refusal beside the fields that the model named (comma-separated)."""
        for name in (part.strip() for part in names.split(",")):
            if name in self.fields:
                self.add_error(name, gettext("This is missing or not right."))
                self.fields[name].widget.attrs["aria-invalid"] = "true"


def _field(name: str, info: FieldInfo, *, secret: bool) -> forms.Field:
    label = gettext(info.title) if info.title else name
    text = gettext(info.description) if info.description else ""
    required = info.is_required()
    shown: dict[str, Any] = {"label": label, "help_text": text, "required": required}
    control = {"class": "control", "autocomplete": "off"}
    # ``float | None`` is a number that may be left out
    plain = next((one for one in get_args(info.annotation) if one is not type(None)), info.annotation)
    if plain is bool:
        return forms.BooleanField(**shown | {"required": False})
    if plain in (int, float):
        shown["required"] = required and plain is info.annotation
        kind = forms.IntegerField if plain is int else forms.FloatField
        return kind(
            **shown, initial=None if required else info.default, widget=forms.NumberInput(control | {"step": "any"})
        )
    widget: forms.Widget = forms.TextInput(control | {"spellcheck": "false"})
    if secret:
        widget = forms.PasswordInput(control | {"autocomplete": "new-password"}, render_value=False)
    initial = None if required else info.default
    return forms.CharField(**shown, initial=initial, widget=widget, error_messages={"required": _("This is needed.")})


def dress(form: forms.Form) -> None:
    """The shell's look for a form's fields, and what is wrong said to screen readers too."""
    for name, field in form.fields.items():
        if not isinstance(field.widget, forms.CheckboxInput):
            field.widget.attrs.setdefault("class", "control")
        if form.is_bound and form.errors.get(name):
            field.widget.attrs["aria-invalid"] = "true"
