"""Is this order one that the carrier takes? Every fault is named with its field; nothing is guessed or repaired."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from .accounts import Account
from .answers import BAD_FIELD, NO_SUCH_PRODUCT, RULE_BROKEN, Refused
from .products import COUNTRIES, WITHOUT_POSTCODE, Product

GRAMS = {"KG": Decimal(1000), "G": Decimal(1), "LBS": Decimal("453.59237")}
TOP = frozenset({
    "product_code", "customer_order_number", "weight_unit", "size_unit", "packages", "receiver", "sender",
    "declaration_info", "customs_number", "extra_services", "sensitive_type", "dangerous_goods_type", "label_type",
    "point_relais_num", "platform_account_code", "source_code", "order_numbers",
})  # fmt: skip
PERSON = frozenset({
    "first_name", "last_name", "company", "country_code", "province", "city", "address_lines", "postal_code",
    "phone_number", "email", "certificate_type", "certificate_code", "short_address", "usci_code",
})  # fmt: skip
DECLARED = frozenset({
    "sku_code", "name_local", "name_en", "quantity", "unit_price", "unit_weight", "currency", "hs_code", "sales_url",
    "material", "purpose", "brand", "spec", "model", "remark",
})  # fmt: skip
PACKAGE = frozenset({"weight", "length", "width", "height", "box_number", "sku_list"})
CUSTOMS = frozenset({"tax_number", "ioss_code", "vat_code", "eori_number"})
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Faults(list[str]):
    """What is wrong, field by field."""

    def text(self, value: Any, field: str, *, most: int = 200) -> str:
        if not isinstance(value, str) or not value.strip():
            self.append(f"{field} is required")
            return ""
        if len(value) > most:
            self.append(f"{field} is longer than {most} characters")
        return value.strip()

    def number(self, value: Any, field: str, *, places: int) -> Decimal | None:
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or number <= 0:
            self.append(f"{field} must be a number greater than 0")
            return None
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            self.append(f"{field} has more than {places} decimal places")
        return number

    def unknown(self, given: dict[str, Any], known: frozenset[str], at: str = "") -> None:
        self.extend(f"{at}{name} is not a known field" for name in given if name not in known)


def grams(weight: Decimal, unit: str) -> int:
    return int((weight * GRAMS[unit]).to_integral_value())


def check(account: Account, order: Any) -> tuple[Product, int]:
    """The product and the weight of all packages in grams. Raises Refused with every faulty field."""
    if not isinstance(order, dict):
        raise Refused(BAD_FIELD, "the body must be a JSON object")
    faults = Faults()
    faults.unknown(order, TOP)
    code = faults.text(order.get("product_code"), "product_code", most=50)
    faults.text(order.get("customer_order_number"), "customer_order_number", most=50)
    if order.get("size_unit") not in ("CM", "INCH"):
        faults.append("size_unit must be CM or INCH")
    if order.get("label_type") not in (None, "PDF", "ZPL"):
        faults.append("label_type must be PDF or ZPL")
    weight = _packages(order, faults)
    _person(order.get("receiver"), "receiver", faults)
    if order.get("sender") is not None:
        _person(order["sender"], "sender", faults)
    _declarations(order.get("declaration_info"), faults)
    _customs(order.get("customs_number"), faults)
    if faults:
        raise Refused(BAD_FIELD, "; ".join(faults))
    product = account.products.get(code)
    if product is None:
        raise Refused(NO_SUCH_PRODUCT, f"product_code {code} does not exist or is not open to this account")
    _rules(product, order["receiver"]["country_code"], weight)
    return product, weight


def _rules(product: Product, country: str, weight_g: int) -> None:
    broken = []
    if not product.serves(country):
        broken.append(f"Country : {country} is not served")
    if weight_g > product.max_weight_g:
        broken.append(f"Weight : should not exceed {Decimal(product.max_weight_g) / 1000:f}KG")
    if broken:
        raise Refused(RULE_BROKEN, f"Order rule verification failed: {'; '.join(broken)}")


def _packages(order: dict[str, Any], faults: Faults) -> int:
    unit = order.get("weight_unit")
    if unit not in GRAMS:
        faults.append("weight_unit must be KG, G or LBS")
    packages = order.get("packages")
    if not isinstance(packages, list) or not packages:
        faults.append("packages is required")
        return 0
    total = 0
    for at, package in enumerate(packages):
        if not isinstance(package, dict):
            faults.append(f"packages[{at}] must be an object")
            continue
        faults.unknown(package, PACKAGE, f"packages[{at}].")
        weight = faults.number(package.get("weight"), f"packages[{at}].weight", places=3)
        if weight is not None and unit in GRAMS:
            total += grams(weight, unit)
        for side in ("length", "width", "height"):
            if package.get(side) is not None:
                faults.number(package[side], f"packages[{at}].{side}", places=2)
    return total


def _person(person: Any, at: str, faults: Faults) -> None:
    if not isinstance(person, dict):
        faults.append(f"{at} is required")
        return
    faults.unknown(person, PERSON, f"{at}.")
    for field in ("first_name", "province", "city"):
        faults.text(person.get(field), f"{at}.{field}", most=100)
    faults.text(person.get("phone_number"), f"{at}.phone_number", most=32)
    country = person.get("country_code")
    known = isinstance(country, str) and (country in COUNTRIES or (at == "sender" and country == "CN"))
    if country == "UK":
        faults.append(f"{at}.country_code UK is not an ISO code, use GB")
    elif not known:
        faults.append(f"{at}.country_code must be an ISO 3166 code that the carrier serves")
    if country not in WITHOUT_POSTCODE:
        faults.text(person.get("postal_code"), f"{at}.postal_code", most=20)
    lines = person.get("address_lines")
    if not isinstance(lines, list) or not 1 <= len(lines) <= 3:
        faults.append(f"{at}.address_lines must have 1 to 3 lines")
    else:
        for number, line in enumerate(lines):
            faults.text(line, f"{at}.address_lines[{number}]")
    if person.get("email") and not EMAIL.fullmatch(str(person["email"])):
        faults.append(f"{at}.email is not an address")


def _declarations(items: Any, faults: Faults) -> None:
    if not isinstance(items, list) or not items:
        faults.append("declaration_info is required")
        return
    for number, item in enumerate(items):
        at = f"declaration_info[{number}]."
        if not isinstance(item, dict):
            faults.append(f"{at[:-1]} must be an object")
            continue
        faults.unknown(item, DECLARED, at)
        local = faults.text(item.get("name_local"), f"{at}name_local")
        if local and not HAN.search(local):
            faults.append(f"{at}name_local must be in Chinese")
        english = faults.text(item.get("name_en"), f"{at}name_en")
        if english and (HAN.search(english) or not re.search("[A-Za-z]", english)):
            faults.append(f"{at}name_en must be in English")
        quantity = item.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            faults.append(f"{at}quantity must be a whole number of at least 1")
        faults.number(item.get("unit_price"), f"{at}unit_price", places=2)
        faults.number(item.get("unit_weight"), f"{at}unit_weight", places=3)
        currency = item.get("currency")
        if currency is not None and not re.fullmatch("[A-Z]{3}", str(currency)):
            faults.append(f"{at}currency must be an ISO 4217 code")


def _customs(block: Any, faults: Faults) -> None:
    if block is None:
        return
    if not isinstance(block, dict):
        faults.append("customs_number must be an object")
        return
    faults.unknown(block, CUSTOMS, "customs_number.")
    ioss = block.get("ioss_code")
    if ioss and not re.fullmatch(r"IM\d{10}", str(ioss)):
        faults.append("customs_number.ioss_code must be IM and 10 digits")
