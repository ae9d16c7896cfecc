"""Forms of stock: receive, adjust, SKUs, warehouses. What a line says wrong is told by its line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.currencies import KNOWN
from core.errors import BusinessError
from core.ui.model_forms import dress
from core.ui.views import sentence
from core.words import say
from inventory.models import Product, Sku, Warehouse

USUAL = ("CNY", "USD", "EUR", "GBP", "JPY", "HKD")
REASONS = [
    ("count", _("Stock take")),
    ("damaged", _("Damaged")),
    ("lost", _("Lost")),
    ("found", _("Found")),
    ("sample", _("Sample or own use")),
    ("other", _("Other")),
]
SENDER = ("name", "company", "lines", "city", "region", "postcode", "country", "phone", "email")


def currencies() -> list[tuple[str, str]]:
    return [(code, code) for code in (*USUAL, *sorted(KNOWN - set(USUAL)))]


class LinesForm(forms.Form):
    """A warehouse and pasted lines; ``key`` lets one form post once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    warehouse = forms.ChoiceField(label=_("Warehouse"))
    lines = forms.CharField(label=_("Lines"), max_length=500_000, widget=forms.Textarea(attrs={"rows": 12}))

    def __init__(self, *args: Any, warehouses: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["warehouse"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(warehouses)
        self.fields["lines"].widget.attrs["class"] = "control mono"
        self.fields["lines"].widget.attrs["spellcheck"] = "false"
        dress(self)


class ReceiveForm(LinesForm):
    currency = forms.ChoiceField(label=_("Currency of the costs"), choices=currencies)
    rate = forms.DecimalField(
        label=_("Rate to your currency"),
        required=False,
        min_value=Decimal("0.0000000001"),
        max_digits=24,
        decimal_places=10,
        help_text=_("Only for another currency than your own: how much one unit of it is worth."),
    )
    field_order = ("key", "warehouse", "lines", "currency", "rate")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lines"].help_text = _(
            "One line each: SKU, quantity, cost of one unit. Without a cost the value stays open."
        )


class AdjustForm(LinesForm):
    reason = forms.ChoiceField(label=_("Reason"), choices=REASONS)
    note = forms.CharField(label=_("What happened"), max_length=30, required=False)
    force = forms.BooleanField(
        label=_("Also where buyers' orders have reserved the units, or the books say that they are not there"),
        required=False,
    )
    field_order = ("key", "warehouse", "reason", "note", "lines", "force")

    def __init__(self, *args: Any, may_force: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lines"].help_text = _("One line each: SKU and change, for example LMP-042 +3 or LMP-042 -2.")
        if not may_force:
            del self.fields["force"]

    def reason_text(self) -> str:
        note = self.cleaned_data.get("note", "").strip()
        return f"{self.cleaned_data['reason']}: {note}" if note else str(self.cleaned_data["reason"])


class Versioned(forms.Form):
    """Knows which version a person has before him, so that nobody overwrites what somebody else has just changed."""

    version = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)

    def values(self) -> dict[str, Any]:
        return {name: _text(value) for name, value in self.cleaned_data.items() if name != "version"}


def version_seen(form: forms.Form) -> datetime | None:
    """When what the person has before him was last changed; None where the form does not say."""
    try:
        found = datetime.fromisoformat(form.cleaned_data.get("version", ""))
    except ValueError:
        return None
    return found if found.tzinfo else None


def beside(form: forms.Form, error: BusinessError, otherwise: str) -> None:
    """Put a refusal where it belongs. What somebody else changed meanwhile is told, and may then be overwritten."""
    if error.code == "record.changed_meanwhile":
        form.data = {name: form.data.get(name) for name in form.data} | {"version": error.params["at"]}
        form.add_error(None, sentence(error))
        return
    field = str(error.params.get("field", ""))
    form.add_error(field if field in form.fields else otherwise if otherwise in form.fields else None, sentence(error))


class ProductForm(Versioned):
    code = forms.CharField(
        label=_("Code"), max_length=80, help_text=_("It stays for ever: sheets name the product by it.")
    )
    title = forms.CharField(label=_("Title"), max_length=300, required=False)
    title_zh = forms.CharField(label=_("Chinese title"), max_length=300, required=False)

    def __init__(self, *args: Any, product: Product | None = None, **kwargs: Any) -> None:
        if product is not None:
            kwargs["initial"] = {
                "title": product.title,
                "title_zh": product.title_zh,
                "version": product.updated_at.isoformat(),
            }
        super().__init__(*args, **kwargs)
        if product is not None:
            del self.fields["code"]
        dress(self)


class SkuForm(Versioned):
    """Texts as people type them; ``skusheet`` reads them and says what is wrong."""

    code = forms.CharField(label=_("Code"), max_length=80)
    title = forms.CharField(label=_("Title"), max_length=300, required=False)
    title_zh = forms.CharField(label=_("Chinese title"), max_length=300, required=False)
    barcode = forms.CharField(label=_("Barcode (EAN, UPC)"), max_length=40, required=False)
    product = forms.CharField(label=_("Product code"), max_length=80, required=False)
    weight_g = forms.CharField(label=_("Weight in grams"), max_length=12, required=False)
    length_mm = forms.CharField(label=_("Length in mm"), max_length=12, required=False)
    width_mm = forms.CharField(label=_("Width in mm"), max_length=12, required=False)
    height_mm = forms.CharField(label=_("Height in mm"), max_length=12, required=False)
    customs_name_en = forms.CharField(label=_("Customs name, English"), max_length=120, required=False)
    customs_name_zh = forms.CharField(label=_("Customs name, Chinese"), max_length=120, required=False)
    hs_code = forms.CharField(label=_("HS code"), max_length=12, required=False)
    customs_value = forms.CharField(label=_("Customs value of one"), max_length=20, required=False)
    customs_currency = forms.ChoiceField(label=_("Its currency"), choices=currencies, required=False)
    origin_country = forms.CharField(label=_("Country of origin"), max_length=60, required=False)
    battery = forms.BooleanField(label=_("Contains a battery"), required=False)
    tags = forms.CharField(label=_("Tags, separated by commas"), max_length=300, required=False)
    moq = forms.CharField(label=_("Least quantity to order"), max_length=12, required=False)
    carton = forms.CharField(label=_("Units in a carton"), max_length=12, required=False)
    lead_days = forms.CharField(label=_("Days from order to delivery"), max_length=12, required=False)

    def __init__(self, *args: Any, sku: Sku | None = None, **kwargs: Any) -> None:
        if sku is not None:
            names = self.base_fields.keys() - {"product", "version"}
            kwargs["initial"] = {name: _shown(getattr(sku, name)) for name in names}
            kwargs["initial"]["product"] = sku.product.code if sku.product else ""
            kwargs["initial"]["version"] = sku.updated_at.isoformat()
        super().__init__(*args, **kwargs)
        if sku is not None:
            del self.fields["code"]  # it stays for ever
        dress(self)


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(value)
    return value.normalize() if isinstance(value, Decimal) else "" if value is None else value


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


class WarehouseForm(forms.Form):
    """The address is printed as the sender."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Short; rules name the warehouse by it."))
    name = forms.CharField(label=pgettext_lazy("of a thing", "Name"), max_length=120)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=lambda: [
            (kind, say(f"warehouse.kind.{kind}")) for kind in (Warehouse.OWN, Warehouse.OVERSEAS, Warehouse.TPL)
        ],
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(z, z) for z in sorted(available_timezones()) if "/" in z]
    )
    sender_name = forms.CharField(label=_("Sender's name"), max_length=120, required=False)
    sender_company = forms.CharField(label=_("Company"), max_length=120, required=False)
    sender_lines = forms.CharField(
        label=_("Street and house number"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    sender_city = forms.CharField(label=_("City"), max_length=120, required=False)
    sender_region = forms.CharField(label=_("State or province"), max_length=120, required=False)
    sender_postcode = forms.CharField(label=_("Postcode"), max_length=30, required=False)
    sender_country = forms.RegexField("^[A-Za-z]{2}$", label=_("Country (two letters)"), max_length=2, initial="CN")
    sender_phone = forms.CharField(label=_("Phone"), max_length=60, required=False)
    sender_email = forms.CharField(label=_("E-mail"), max_length=254, required=False)

    def __init__(self, *args: Any, warehouse: Warehouse | None = None, **kwargs: Any) -> None:
        if warehouse is not None:
            sender = {f"sender_{name}": warehouse.sender.get(name, "") for name in SENDER}
            sender["sender_lines"] = "\n".join(warehouse.sender.get("lines") or [])
            sender["sender_country"] = warehouse.sender.get("country") or warehouse.country
            kwargs["initial"] = {"name": warehouse.name, "timezone": warehouse.timezone, **sender}
        super().__init__(*args, **kwargs)
        if warehouse is not None:
            del self.fields["code"], self.fields["kind"]
        dress(self)

    def values(self) -> dict[str, Any]:
        """In the shape of ``create_warehouse`` and ``update_warehouse``."""
        data = self.cleaned_data
        sender = {name: data[f"sender_{name}"] for name in SENDER}
        sender["lines"] = [line.strip() for line in data["sender_lines"].splitlines() if line.strip()]
        sender["country"] = data["sender_country"].upper()
        rest: dict[str, Any] = {name: data[name] for name in ("code", "name", "kind", "timezone") if name in data}
        return {**rest, "country": sender["country"], "sender": sender}
