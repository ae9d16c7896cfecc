"""What the tenant wants of booking and of the notice to the marketplace."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, field_validator

from core.options import Options

AT_HANDOVER: Final = "handover"
AT_LABEL: Final = "label"
# Members of the European Union, and Monaco, whose VAT area is France's. Northern Ireland has no code of its own.
IOSS_AREA = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK".split())
NORTHERN_IRELAND = "BT"  # its postcodes begin so
NUMBER = re.compile(r"IM\d{10}")


class BookingOptions(Options):
    """Grams; names as customs read them, for SKUs without names of their own; ``ioss``: {platform: IM and ten digits}."""

    STORED: ClassVar[dict[str, str]] = {"tell": "tell_marketplace"}

    tell: Literal["handover", "label"] = AT_HANDOVER
    packaging_g: Annotated[int, Field(ge=0, le=30_000)] = 20
    customs_name_en: Annotated[str, Field(max_length=100, pattern=r"^[\x20-\x7e]*$")] = ""
    customs_name_zh: Annotated[str, Field(max_length=100)] = ""
    ioss: dict[str, str] = {}

    @field_validator("ioss")
    @classmethod
    def _numbers(cls, value: dict[str, str]) -> dict[str, str]:
        kept = {platform: re.sub(r"\s", "", number).upper() for platform, number in value.items()}
        if any(number and not NUMBER.fullmatch(number) for number in kept.values()):
            raise ValueError("IM and ten digits")
        return {platform: number for platform, number in kept.items() if number}

    def ioss_for(self, platform: str, country: str, postcode: str) -> str:
        """The number of the import scheme (Directive 2006/112/EC, Art. 369l ff.), '' where it does not hold.

        It is for consignments into the Union and Northern Ireland only; elsewhere it means nothing.
        """
        there = country in IOSS_AREA or (country == "GB" and postcode.strip().upper().startswith(NORTHERN_IRELAND))
        return self.ioss.get(platform, "") if there else ""
