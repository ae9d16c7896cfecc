"""What the pages by hand read from their forms: addresses in a country's own shape, lines by SKU code, money as typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.currencies import KNOWN
from core.permissions import Actor
from core.words import formats, say
from orders import queries_hand
from orders.address_shape import countries, shape_of
from orders.forms import FIELD_OF
from orders.models import Order
from orders.services.acts import ADDRESS_FIELDS
from orders.services.line_edits import Wanted
from orders.services.manual import Entered, Item

EMPTY_ROWS = 3
MOST_ROWS = 200
RESEND = ("lost", "damaged", "wrong", "missing", "other")
_WIDE = {"ship_lines", "ship_name", "ship_company"}
_AUTO = {  # what the browser may fill in; an address of somebody else is never the clerk's own
    "ship_postcode": "off",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A field of an address as a form draws it. ``choices``: a select instead of a line."""

    name: str
    label: str
    value: str
    needed: bool
    error: str
    unsure: bool
    many: bool
    choices: Sequence[tuple[str, str]] = ()
    example: str = ""
    kind: str = "text"


def drawn(values: Mapping[str, str], errors: Mapping[str, Any], unsure: Sequence[str] = ()) -> list[Drawn]:
    """The fields of an address in the order and by the names of its country."""
    shape = shape_of(values.get("ship_country", ""))
    labels = {
        "ship_name": _("Name"),
        "ship_company": _("Company"),
        "ship_lines": _("Street and house number"),
        **{name: say(f"address.called.{called}") for name, called in shape.names.items()},
    }
    labels = {"ship_postcode": _("Postcode"), "ship_city": _("City"), "ship_region": _("State or province")} | labels
    out = [
        Drawn(
            "ship_country",
            _("Country"),
            values.get("ship_country", ""),
            True,
            _error(errors, "ship_country"),
            "ship_country" in unsure,
            False,
            (("", _("Choose a country")), *countries(formats.language())),
        )
    ]
    for name in shape.fields:
        value = values.get(name, "")
        # A region that the country's list lacks stays as it was written.
        listed = name == "ship_region" and shape.regions and (not value or value in dict(shape.regions))
        out.append(
            Drawn(
                name,
                labels[name],
                value,
                name in shape.needed or name == "ship_name",
                _error(errors, name),
                name in unsure,
                name == "ship_lines",
                (("", "—"), *shape.regions) if listed else (),
                shape.example if name == "ship_postcode" else "",
            )
        )
    out.append(Drawn("ship_phone", _("Phone"), values.get("ship_phone", ""), False, "", False, False, kind="tel"))
    out.append(Drawn("ship_email", _("E-mail"), values.get("ship_email", ""), False, "", False, False, kind="email"))
    # What another country's form asked for is not lost when the country is changed and changed back.
    return out


def _error(errors: Mapping[str, Any], name: str) -> str:
    found = errors.get(name) or ""
    return str(found) if isinstance(found, str) else str(next(iter(found), ""))


def receiver_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Typed fields in the shape of ``ADDRESS_FIELDS``."""
    out: dict[str, Any] = {name: str(values.get(name, "")).strip() for name in ADDRESS_FIELDS}
    out["ship_lines"] = [line.strip() for line in str(values.get("ship_lines", "")).splitlines() if line.strip()]
    out["ship_country"] = out["ship_country"].upper()[:2]
    return out


def typed_of(receiver: Mapping[str, Any]) -> dict[str, str]:
    """The other way round: for a form's inputs."""
    out = {name: str(receiver.get(name) or "") for name in ADDRESS_FIELDS if name != "ship_lines"}
    return out | {"ship_lines": "\n".join(receiver.get("ship_lines") or ())}


def money(text: str) -> Decimal | None:
    """An amount as people type it: 12.50, 12,50, 1 200, 1,200.50; None when it is none. '' is 0."""
    plain = re.sub(r"[\s\u00a0']", "", text.strip())
    if not plain:
        return Decimal(0)
    if re.fullmatch(r"\d+,\d{1,2}", plain):
        plain = plain.replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    exponent = found.as_tuple().exponent
    return found if found.is_finite() and isinstance(exponent, int) and exponent >= -4 and found < 10**12 else None


def whole(text: str) -> int | None:
    plain = text.strip().replace(" ", "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 9 else None


@dataclass(slots=True)
class Row:
    """A line as typed; ``name`` of the SKU where it is known."""

    sku: str = ""
    quantity: str = ""
    price: str = ""
    error: str = ""
    name: str = ""
    sku_id: int | None = None

    @property
    def empty(self) -> bool:
        return not (self.sku or self.quantity or self.price.strip("0., "))


@dataclass
class ManualForm:
    """The page of an order by hand. ``errors``: {field: sentence}; what was typed stays as it was."""

    values: dict[str, str]
    rows: list[Row]
    errors: dict[str, str] = field(default_factory=dict)
    said: str = ""  # about the whole
    similar: list[Any] = field(default_factory=list)
    copy: Order | None = None

    @classmethod
    def fresh(cls, currency: str, country: str = "") -> ManualForm:
        values = {"token": str(uuid4()), "currency": currency, "paid": "1", "ship_country": country}
        return cls(values, [Row() for _ in range(EMPTY_ROWS)])

    @classmethod
    def again(cls, order: Order, lines: Sequence[Mapping[str, Any]]) -> ManualForm:
        """Filled in with an order that is sent again: the same receiver and goods, for nothing."""
        values = typed_of({name: getattr(order, name) for name in ADDRESS_FIELDS}) | {
            "token": str(uuid4()),
            "currency": order.currency if order.currency in KNOWN else "",
            "paid": "1",
            "again": str(order.pk),
            "why": RESEND[0],
            "account": str(order.account_id or ""),
        }
        rows = [
            Row(line["sku_code"], str(line["units"]), "0.00", name=line["sku_name"])
            for line in lines
            if line["sku_code"] and line["to_send"]
        ]
        return cls(values, rows or [Row()], copy=order)

    @classmethod
    def sent(cls, given: QueryDict) -> ManualForm:
        values = {name: given.get(name, "").strip() for name in given if name not in ("sku", "quantity", "price")}
        columns = [given.getlist(name)[:MOST_ROWS] for name in ("sku", "quantity", "price")]
        most = max((len(column) for column in columns), default=0)
        filled = [column + [""] * (most - len(column)) for column in columns]
        rows = [
            Row(sku.strip()[:120], n.strip()[:20], price.strip()[:30]) for sku, n, price in zip(*filled, strict=True)
        ]
        kept = [row for row in rows if not row.empty]
        return cls(values, kept)

    def padded(self) -> ManualForm:
        """With empty rows to go on."""
        self.rows += [Row() for _ in range(max(1, EMPTY_ROWS - len(self.rows)))]
        return self

    def entered(self, actor: Actor) -> Entered | None:
        """What ``services.manual.enter`` wants; None when something is wrong, which then stands beside its field."""
        items = self._items()
        shipping = money(self.values.get("shipping", ""))
        if shipping is None:
            self.errors["shipping"] = say("order.item_price")
        currency = self.values.get("currency", "").upper()
        if currency not in KNOWN:
            self.errors["currency"] = _("Choose the currency.")
        if self.errors or shipping is None or items is None:
            return None
        return Entered(
            token=_token(self.values.get("token", "")),
            receiver=receiver_of(self.values),
            items=items,
            currency=currency,
            account_id=whole(self.values.get("account", "")),
            shipping=shipping,
            paid=self.values.get("paid", "1") == "1",
            reference=self.values.get("reference", "")[:80],
            note=self.values.get("note", "")[:2000],
            ship_by=self._ship_by(actor),
            copied_from=whole(self.values.get("again", "")),
            why=self.values["why"] if self.values.get("why") in RESEND else "other",
        )

    def _items(self) -> list[Item] | None:
        known = queries_hand.skus_by_code([row.sku for row in self.rows])
        items = []
        for row in self.rows:
            found = known.get(queries_hand.key_of(row.sku))
            quantity, price = whole(row.quantity or "1"), money(row.price)
            if found is None:
                row.error = say("line.unknown_sku", {"sku": row.sku}) if row.sku else say("line.needs_sku")
            elif found.state != "active":
                row.error = say("sku.discontinued", {"sku": found.code, "successor": found.successor})
            elif not quantity:
                row.error = say("line.quantity")
            elif price is None or price < 0:
                row.error = say("order.item_price")
            if found is not None:
                row.sku, row.name, row.sku_id = found.code, found.name, found.id
            if row.error or found is None or quantity is None or price is None:
                self.errors["items"] = row.error
            else:
                items.append(Item(found.id, quantity, price))
        if not self.rows:
            self.errors["items"] = say("order.no_items")
        return None if "items" in self.errors else items

    def _ship_by(self, actor: Actor) -> datetime | None:
        try:
            day = date.fromisoformat(self.values.get("ship_by", ""))
        except ValueError:
            return None
        return datetime.combine(day, time(23, 59), ZoneInfo(actor.timezone))

    def lacks(self, missing: Sequence[str]) -> None:
        for what in missing:
            self.errors[FIELD_OF.get(what, "ship_name")] = say(f"address.missing.{what}")


def _token(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


# -- the lines of an order -----------------------------------------------------------------------------------------------


@dataclass
class LinesForm:
    """The page that changes an order's lines: ``lines`` as ``queries.lines_of`` gives them with what was typed beside."""

    lines: list[dict[str, Any]]
    rows: list[Row] = field(default_factory=list)  # new ones
    values: dict[str, str] = field(default_factory=dict)
    said: str = ""
    wrong: bool = False

    @classmethod
    def fresh(cls, lines: list[dict[str, Any]], version: int) -> LinesForm:
        for line in lines:
            line["typed"] = {
                "sku": line["sku_code"] or "",
                "pieces": str(line["to_send"]),
                "per": str(line["per_piece"]),
                "price": f"{line['unit_price']:.2f}",
            }
        return cls(lines, values={"version": str(version), "token": uuid4().hex[:12], "reason": "buyer_asked"})

    @classmethod
    def sent(cls, lines: list[dict[str, Any]], given: QueryDict) -> LinesForm:
        for line in lines:
            pk = line["id"]
            line["typed"] = {
                name: given.get(f"{name}-{pk}", "").strip()[:120] for name in ("sku", "pieces", "per", "price")
            }
        form = ManualForm.sent(given)
        return cls(lines, form.rows, form.values)

    @property
    def version(self) -> int:
        return whole(self.values.get("version", "")) or -1

    def wanted(self, by_hand: bool) -> list[Wanted] | None:
        """How the lines shall be; None when something is wrong, which then stands beside its line."""
        codes = [line["typed"]["sku"] for line in self.lines] + [row.sku for row in self.rows]
        known = queries_hand.skus_by_code(codes)
        out: list[Wanted] = []
        for line in self.lines:
            out.append(self._line(line, known, by_hand))
        key = re.sub(r"[^0-9a-f]", "", self.values.get("token", ""))[:12] or uuid4().hex[:12]
        for index, row in enumerate(self.rows):
            found = known.get(queries_hand.key_of(row.sku))
            quantity, price = whole(row.quantity or "1"), money(row.price)
            if found is None:
                row.error = say("line.unknown_sku", {"sku": row.sku}) if row.sku else say("line.needs_sku")
            elif not quantity:
                row.error = say("line.quantity")
            elif price is None:
                row.error = say("order.item_price")
            if row.error or found is None or quantity is None or price is None:
                self.wrong = True
            else:
                row.name = found.name
                out.append(Wanted(None, found.id, quantity, 1, price, f"{key}-{index}"))
        return None if self.wrong else out

    def _line(self, line: dict[str, Any], known: Mapping[str, queries_hand.Known], by_hand: bool) -> Wanted:
        typed = line["typed"]
        found = known.get(queries_hand.key_of(typed["sku"]))
        pieces, per, price = whole(typed["pieces"]), whole(typed["per"] or "1"), money(typed["price"])
        error = ""
        if typed["sku"] and found is None:
            error = say("line.unknown_sku", {"sku": typed["sku"]})
        elif pieces is None:
            error = say("line.quantity")
        elif not per:
            error = say("line.per_piece", {"most": 10_000})
        elif by_hand and price is None:
            error = say("order.item_price")
        if error:
            line["error"], self.wrong = error, True
        sku_id = found.id if found is not None else (None if typed["sku"] else line["sku_id"])
        unit_price = price if by_hand and price is not None else line["unit_price"]
        return Wanted(line["id"], sku_id, pieces or 0, per or 1, unit_price)

    def padded(self) -> LinesForm:
        return replace(self, rows=[*self.rows, Row()])
