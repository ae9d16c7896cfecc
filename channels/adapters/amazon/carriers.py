"""Our carrier names as Amazon's carrier codes. A carrier without a code goes as ``Other`` with its name."""

from __future__ import annotations

OTHER = "Other"

# Amazon publishes no document with its codes, and the list differs by marketplace: only codes that are in common use
# stand here. A code that a marketplace does not take is refused with a reason that names it.
_CODES = (
    "4PX", "Aramex", "Australia Post", "BRT", "CNE Express", "CTT", "Canada Post", "China Post", "Chronopost",
    "Chukou1", "Colissimo", "Correios", "Correos", "DHL", "DHL Express", "DHL eCommerce", "DPD", "Deutsche Post",
    "Evri", "FedEx", "GLS", "Hermes", "Hongkong Post", "InPost", "JCEX", "La Poste", "Lasership", "OnTrac",
    "Parcelforce", "PostNL", "PostNord", "Poste Italiane", "Purolator", "Royal Mail", "SEUR", "SF Express", "SFC",
    "Singapore Post", "Sunyou", "TNT", "UBI", "UPS", "USPS", "WanbExpress", "Winit", "Yanwen", "Yodel", "Yun Express",
)  # fmt: skip


def _key(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


_BY_KEY = {_key(code): code for code in _CODES} | {
    "yunexpress": "Yun Express",
    "yunexpressparcel": "Yun Express",
    "云途": "Yun Express",
    "云途物流": "Yun Express",
    "燕文": "Yanwen",
    "燕文物流": "Yanwen",
    "递四方": "4PX",
    "顺丰": "SF Express",
    "顺丰国际": "SF Express",
    "中国邮政": "China Post",
    "epacket": "China Post",
    "万邦": "WanbExpress",
    "wanb": "WanbExpress",
    "hermesuk": "Evri",
    "dhlecommerceus": "DHL eCommerce",
    "cne": "CNE Express",
}


def code_of(carrier: str) -> str:
    """Amazon's code for a carrier's name, or ``Other``."""
    return _BY_KEY.get(_key(carrier), OTHER)
