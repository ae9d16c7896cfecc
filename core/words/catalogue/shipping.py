"""Carriers, parcels, the ship desk, tracking."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "shipment.not_found": _("This parcel does not exist, or it belongs to a warehouse that you do not see."),
    "shipment.too_late": _("The parcel is {state:parcel.}; it cannot be taken back any more."),
    "shipment.cancel_asked": _("The carrier was asked to cancel it"),
    "shipment.handed": _("Handed over to the carrier"),
    "shipment.handover_undone": _("Hand-over undone"),
    "shipment.nothing_to_accept": _("There is no refused number to accept."),
    "shipment.number_accepted": _("The number {number} was accepted by hand"),
    "shipment.retried": _("Booked again"),
    "shipment.given_up": _("Given up: no carrier has it, the order gets a new parcel"),
    "shipment.weighed": _("Weighed: {weight_g:weight}"),
    "shipment.weighing_undone": _("Weighing undone"),
    "shipment.address_incomplete": _("The address lacks {missing:list}. Complete it, then book again."),
    "shipment.address_too_long": _(
        "A line of the address is longer than {max} characters. Shorten it or split it, then book again."
    ),
    "shipment.phone_missing": _("The carrier wants the receiver's phone number. Add it, then book again."),
    "shipment.weight_missing": _("The parcel has no weight. Enter the weight of its SKUs, then book again."),
    "customs.lines_missing": _("Nothing is declared for customs. Check the lines of the order, then book again."),
    "customs.name_en_missing": _("{item} has no customs name in English. Enter it with the SKU, then book again."),
    "customs.name_local_missing": _("{item} has no customs name in Chinese. Enter it with the SKU, then book again."),
    "customs.value_missing": _("{item} has no customs value. Enter it with the SKU, then book again."),
    "customs.weight_missing": _("{item} has no weight. Enter it with the SKU, then book again."),
    "carrier.adapter_failed": _(
        "A defect of ours ({kind}) stopped the talk with the carrier. Tell the person who runs this installation."
    ),
    "carrier.answer_unreadable": _(
        "The carrier's answer could not be read. It is looked up before anything is sent again."
    ),
    "carrier.balance": _("The carrier refuses: the account has not enough balance. Top it up, then book again."),
    "carrier.booking_cancelled": _("This booking was cancelled at the carrier. Book anew."),
    "carrier.cancel_too_late": _("The carrier has the parcel already and does not cancel it any more."),
    "carrier.clock_refused": _("The carrier says that our clock is wrong. Set the server's clock."),
    "carrier.connected": _("Carrier connected"),
    "carrier.reconnected": _("Carrier connected again"),
    "carrier.country_not_served": _(
        "The carrier does not serve {country:country} with this service. Choose another service."
    ),
    "carrier.credentials_refused": _("The carrier refuses our credentials. Enter them again."),
    "carrier.token_refused": _("The carrier's token has run out; a new one is fetched."),
    "carrier.duplicate_reference": _("The carrier knows this reference already; its booking is looked up."),
    "carrier.label_not_ready": _("The carrier has no label yet; it is asked again."),
    "carrier.label_unreadable": _("The carrier's label could not be read; it is fetched again."),
    "carrier.no_price": _("The carrier has no price for this parcel with this service. Choose another service."),
    "carrier.no_such_booking": _("The carrier does not know this booking."),
    "carrier.no_webhooks": _("This carrier sends no news by itself; it is asked."),
    "carrier.outcome_open": _("The carrier did not answer in time. It is looked up before anything is sent again."),
    "carrier.reference_taken": _(
        "The carrier has another parcel under this reference. Ask the carrier which one is right."
    ),
    "carrier.reference_unclear": _("The carrier has more than one parcel under this reference. Ask the carrier."),
    "carrier.refused": _(
        "The carrier refuses the parcel ({number}). Check receiver, weight and customs, then book again."
    ),
    "carrier.address_refused": _("The carrier refuses the receiver's address. Correct it, then book again."),
    "carrier.sender_refused": _(
        "The carrier refuses the sender's address. Correct it with the warehouse, then book again."
    ),
    "carrier.customs_refused": _(
        "The carrier refuses the customs lines. Correct names, values and weights of the SKUs, then book again."
    ),
    "carrier.parcel_refused": _("The carrier refuses weight or size of the parcel. Correct them, then book again."),
    "carrier.server_error": _("The carrier's system is down ({status}); it is tried again."),
    "carrier.service_refused": _("The carrier refuses this service for the parcel. Choose another service."),
    "carrier.service_unknown": _("The carrier does not know this service any more. Correct its code."),
    "carrier.unknown": _("There is no carrier {carrier}."),
    "carrier.weight_too_high": _("Too heavy for this service: at most {max_g:weight}. Choose another service."),
    "carrier.wrong_state": _("The carrier does not allow this for the booking as it stands."),
    "connect.form": _("Correct these fields: {fields:list}."),
    "service.key_missing": _("Give the service a key for the rules."),
    "service.key_taken": _("The key {key} is taken by another service. Choose another one."),
    "service.number_format": _("This is no valid pattern for numbers: {format}."),
    "service.saved": _("Service saved: {fields:list}"),
    "service.unknown_field": _("A service has no field {fields:list}."),
    "number.not_the_services_format": _(
        "The number {item} does not have the format of this service. Check the number, then accept it or book again."
    ),
    "pool.empty": _("The number pool is empty. Add tracking numbers from the carrier, then book again."),
    "pool.not_a_pool": _("{carrier} gives its numbers by itself; there is no pool to fill."),
    "pool.numbers_added": _("{added:number} numbers added to the pool"),
    "pool.too_many": _("At most {most:number} numbers at a time."),
    "pool.known": _("is in the pool already"),
    "pool.malformed": _("is no tracking number"),
    "pool.not_the_format": _("does not have the format of the service"),
    "pool.twice": _("stands twice in the list"),
    "manifest.closed": _("Hand-over list {number} closed, {parcels:number} parcels"),
    "manifest.nothing": _("No parcel of {carrier} waits for a hand-over list."),
    "handover.too_late": _("The carrier has news of this parcel already, so the hand-over cannot be undone."),
    "scan.empty": _("Scan or type a number."),
    "scan.not_found": _("No parcel has the number {scanned}. Check the label, or search by the order's number."),
    "scan.several": _("Several parcels fit: {references:list}. Scan the label instead."),
    "ship.not_weighed": _("Not weighed yet. Weigh it first."),
    "ship.order_conflict": _("Do not send: {conflict:conflict.}"),
    "ship.state_queued": _("Not booked yet; wait for the label."),
    "ship.state_booking": _("Being booked; wait for the label."),
    "ship.state_waiting": _("The carrier still owes number or label."),
    "ship.state_failed": _("Booking failed; see the order."),
    "ship.state_cancelling": _("Being cancelled; do not send it."),
    "ship.state_cancelled": _("Cancelled; do not send it."),
    "ship.state_handed": _("Handed over already."),
    "ship.state_delivered": _("Delivered already."),
    "ship.state_returned": _("It came back."),
    "weigh.impossible": _("{weight_g:weight} is no possible weight. Weigh again."),
    "weigh.nothing_to_undo": _("There is no weighing to undo."),
    "weigh.outside": _(
        "It weighs {measured_g:weight}, expected were {expected_g:weight}. Check the contents; then accept the "
        "weight or pack again."
    ),
    "tracker.connected": _("Tracking connected"),
    "tracker.key_refused": _("The tracking service refuses the key. Enter it again."),
    "tracker.quota": _("The quota of {tracker} is used up. Buy more, or wait for the next month."),
    "tracker.refused": _("The tracking service refuses the number ({number})."),
    "tracker.server_error": _("The tracking service is down ({status}); it is tried again."),
    "tracker.unknown": _("There is no tracking service {tracker}."),
}
