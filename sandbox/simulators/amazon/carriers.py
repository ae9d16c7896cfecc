"""Carrier codes that confirmShipment takes; everybody else is ``Other`` with a ``carrierName``.

Amazon wants the code exactly as Seller Central lists it. Its list differs by marketplace, is longer and is not published
as a document: this one is gathered from its announcements and from common use, so a code missing here may exist there.
"""

from __future__ import annotations

CARRIER_CODES = frozenset(
    {
        "4PX", "ALLJOY", "AMZL_US", "Amazon Shipping", "AnPost", "Aramex", "Australia Post", "BRT", "Blue Package",
        "BlueDart", "Bombax", "Bpost", "CNE Express", "CTT", "Canada Post", "Cart2India", "China Post", "Chronopost",
        "Chukou1", "Colis Prive", "Colissimo", "Correios", "Correos", "DHL", "DHL Express", "DHL Global Mail",
        "DHL Home Delivery", "DHL eCommerce", "DHL-Paket", "DPD", "DTDC", "Delhivery", "Deutsche Post", "Dotzot",
        "Estes", "Evri", "FEDEX_JP", "Fastway", "FedEx", "FedEx SmartPost", "First Flight", "GLS", "Geodis",
        "Hermes", "Hermes Logistik Gruppe", "Hongkong Post", "ICC Worldwide", "India Post", "InPost", "JCEX",
        "JP_EXPRESS", "La Poste", "Lasership", "MRW", "NITTSU", "Nacex", "Newgistics", "OSM", "OnTrac", "Other",
        "Parcelforce", "PostNL", "PostNord", "Poste Italiane", "Purolator", "Rivigo", "Royal Mail", "SAGAWA", "SDA",
        "SEUR", "SF Express", "SFC", "SafeExpress", "Self Delivery", "Ship Delight", "Ship Economy", "Ship Global",
        "Shree Maruti Courier", "Shree Tirupati Courier", "Singapore Post", "Spoton", "Sunyou", "TNT", "Toll Global Express",
        "UBI", "UPS", "UPS Mail Innovations", "UPSMI", "USPS", "WanbExpress", "Winit", "XPO", "Xpressbees", "YAMATO",
        "Yanwen", "Yodel", "Yun Express", "eParcel",
    }
)  # fmt: skip
