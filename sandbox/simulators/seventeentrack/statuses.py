"""Main and sub-states, the milestone that each reaches, and what carriers' own codes are translated to."""

from __future__ import annotations

SUBS: dict[str, tuple[str, ...]] = {
    "NotFound": ("NotFound_Other", "NotFound_InvalidCode"),
    "InfoReceived": ("InfoReceived",),
    "InTransit": (
        "InTransit_Other", "InTransit_PickedUp", "InTransit_Departure", "InTransit_Arrival",
        "InTransit_CustomsProcessing", "InTransit_CustomsReleased", "InTransit_CustomsRequiringInformation",
    ),
    "OutForDelivery": ("OutForDelivery_Other",),
    "AvailableForPickup": ("AvailableForPickup_Other",),
    "DeliveryFailure": (
        "DeliveryFailure_Other", "DeliveryFailure_NoBody", "DeliveryFailure_Security", "DeliveryFailure_Rejected",
        "DeliveryFailure_InvalidAddress",
    ),
    "Delivered": ("Delivered_Other",),
    "Exception": (
        "Exception_Other", "Exception_Returning", "Exception_Returned", "Exception_NoBody", "Exception_Security",
        "Exception_Damage", "Exception_Rejected", "Exception_Delayed", "Exception_Lost", "Exception_Destroyed",
        "Exception_Cancel",
    ),
    "Expired": ("Expired_Other",),
}  # fmt: skip
MILESTONES = (
    "InfoReceived", "PickedUp", "Departure", "Arrival", "AvailableForPickup", "OutForDelivery", "Delivered",
    "Returning", "Returned",
)  # fmt: skip
_STAGE_OF_SUB = {
    "InfoReceived": "InfoReceived",
    "InTransit_PickedUp": "PickedUp",
    "InTransit_Departure": "Departure",
    "InTransit_Arrival": "Arrival",
    "AvailableForPickup_Other": "AvailableForPickup",
    "OutForDelivery_Other": "OutForDelivery",
    "Delivered_Other": "Delivered",
    "Exception_Returning": "Returning",
    "Exception_Returned": "Returned",
}
# The aggregator reads the carrier's page; so a test may post the carrier's own code and have it read.
YUNEXPRESS = {
    "ORDER_CREATION": "InfoReceived",
    "FIRST_MILE_ARRIVE": "InTransit_PickedUp",
    "MAIN_LINE_DEPART": "InTransit_Departure",
    "MAIN_LINE_ARRIVE": "InTransit_Arrival",
    "CUSTOMS_CLEARANCE": "InTransit_CustomsProcessing",
    "CUSTOMS_RELEASE": "InTransit_CustomsReleased",
    "IN_TRANSIT": "InTransit_Other",
    "LAST_MILE_DELIVERY": "OutForDelivery_Other",
    "DELIVERY_FAILURE": "DeliveryFailure_Other",
    "DELIVERED": "Delivered_Other",
    "RETURNED": "Exception_Returned",
}


def stage(sub: str) -> str | None:
    return _STAGE_OF_SUB.get(sub)


def read(main: str | None, sub: str | None, code: str | None) -> tuple[str, str]:
    """Main and sub-state of a posted event. Raises ValueError for a word that the platform does not have."""
    if not main and not sub and code:
        sub = YUNEXPRESS.get(code, "InTransit_Other")
    if sub and not main:
        main = sub.partition("_")[0]
    if main not in SUBS:
        raise ValueError(f"{main!r} is no main status; there are {', '.join(SUBS)}")
    sub = sub or SUBS[main][0]
    if sub not in SUBS[main]:
        raise ValueError(f"{sub!r} is no sub-status of {main}")
    return main, sub
