"""Orders: why they stand where they stand, what happened to them, what cannot be done."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "order.not_found": _("This order does not exist, or it belongs to an account that you do not see."),
    "order.unmatched.brief": _("{skus:list}"),
    "order.address_incomplete.brief": _("lacks {missing:address.part.}"),
    "order.held_by_rule.brief": _("rule: {note}"),
    "order.held_by_person.brief": _("by hand {note:maybe}"),
    "order.short.brief": _("{missing:missing}"),
    "order.unmatched": _(
        "No SKU is known for {skus:list}. Pick a SKU for the listing on the order's page; every order that waits "
        "for it goes on."
    ),
    "order.nothing_to_send": _("All lines are cancelled or sent already. Cancel the order, or pull it again."),
    "order.address_incomplete": _("The address lacks: {missing:address.part.}. Complete it, then the order goes on."),
    "order.currency_unknown": _(
        "The currency {currency} is unknown. Check the order at the marketplace, then let it go."
    ),
    "order.currency_malformed": _("The currency “{currency}” is not three letters."),
    "order.held_by_rule": _("A rule holds it: {note}."),
    "order.let_go": _("A person let it go."),
    "order.held_by_person": _("Held by hand. {note:maybe}"),
    "order.cancel_requested": _(
        "The buyer asked to cancel. Cancel the order, or let it go after talking to the buyer."
    ),
    "order.short": _("Not enough stock in any warehouse: {missing:missing}."),
    "order.shipped_elsewhere": _("The marketplace says that it was shipped, and not by us."),
    "order.cancelled_by_channel": _("Cancelled at the marketplace."),
    "order.cancelled_by_person": _("Cancelled by hand. {note:maybe}"),
    "order.parcel_cancelled": _("The parcel was taken back at the carrier."),
    "order.parcel_cancel_asked": _("The carrier was asked to give the parcel up"),
    "order.parcel_cancel_refused": _("The carrier keeps the parcel: {why:code}"),
    "order.no_parcel": _("There is no parcel to take back. Cancel or hold the order itself."),
    "order.changed_meanwhile": _(
        "Somebody saved this order while you were editing. Load the page again and look before you repeat your "
        "change; what you typed is still here."
    ),
    "order.too_late": _("A parcel exists already, so this cannot be changed here. Take the parcel back first."),
    "order.former_address_gone": _("This former address was purged. Type the address anew."),
    "order.no_such_field": _("There is nothing of this kind to show."),
    "order.no_tags_given": _("Write at least one tag to add or to remove."),
    "order.no_account": _("This order belongs to no marketplace account, so there is nothing to pull."),
    "order.gone_at_channel": _("The marketplace does not know {number} any more."),
    "order.pull_failed": _("The marketplace could not be asked: {why:code}"),
    "order.no_conflict": _("The conflict is settled already."),
    "order.no_id": _("The payload holds no order number ({path})."),
    "order.no_lines": _("The order has no lines ({path}). Look at it at the marketplace."),
    "order.line_id": _("A line has no id of its own, or one twice ({path})."),
    "order.line_quantity": _("A line's quantity is impossible: {quantity} ({path})."),
    "order.line_price": _("A line's price cannot be read or is out of range ({path})."),
    "order.total": _("The total cannot be read or is out of range ({path})."),
    "order.status_unknown": _("The status “{status}” is unknown ({path})."),
    "order.imported": _("Order came in: {total:money}, lines: {lines}"),
    "order.revised": _("News from the marketplace: {fields:field.}"),
    "order.routed": _("Rules and stock were tried: {state:state.}"),
    "order.routed.ready": _("Routed: {service} from {warehouse}, stock reserved"),
    "order.routed.pending": _("Not paid yet; stock set aside in {warehouse}"),
    "order.held": _("Held"),
    "order.to_new": _("Goes through the rules again"),
    "order.to_pending": _("Waits for payment"),
    "order.to_held": _("Put on hold"),
    "order.to_cancelled": _("Cancelled"),
    "order.to_elsewhere": _("Shipped by somebody else"),
    "order.to_failed": _("Booking failed"),
    "order.to_booked": _("Back to: label ready"),
    "order.to_packed": _("Packed and weighed"),
    "order.to_handed": _("Handed over again"),
    "order.to_delivered": _("Delivered"),
    "order.to_returned": _("Came back"),
    "order.cancelled": _("Cancelled"),
    "order.tagged": _("Tags changed: added {add:list}, removed {remove:list}"),
    "order.address_edited": _("Receiver changed: {fields:field.}"),
    "order.unpaid_expired": _("Not paid in time: the stock set aside was given back"),
    "order.booking": _("Booking with {service}, reference {reference}"),
    "order.booked": _("Booked, number {number}"),
    "order.numbered": _("Number known: {number}"),
    "order.handed": _("Handed over to the carrier, number {number}"),
    "order.combined": _("Its lines went into another order"),
    "order.combined_from": _("Took over the lines of another order"),
    "order.conflict": _("Conflict: {conflict:conflict.}"),
    "order.conflict_settled": _("Conflict settled by hand"),
    "order.pulled_again": _("Pulled again from the marketplace"),
    "conflict.cancel_requested": _(
        "The buyer asked to cancel, and a parcel exists. Take it back, or go on and tell the buyer."
    ),
    "conflict.address_changed": _(
        "The address changed at the marketplace after the parcel was booked. Take the parcel back to book it "
        "anew, or go on with the old address."
    ),
    "conflict.lines_changed": _(
        "The lines changed at the marketplace after the parcel was booked. Take the parcel back, or go on with "
        "what is in it."
    ),
    "conflict.cancelled_in_flight": _(
        "The marketplace cancelled the order while the parcel is on its way to the carrier. Do not send it; the "
        "carrier is asked to give it up."
    ),
    "conflict.cancelled_after_handover": _(
        "The marketplace cancelled the order after the parcel was handed over. Ask the carrier to bring it back, "
        "or wait for its return."
    ),
    "conflict.cancelling_parcel": _(
        "The carrier is being asked to give the parcel up. Do not send it until the answer is here."
    ),
    "route.no_warehouse": _(
        "A rule chose the warehouse {warehouse}, which does not exist or is closed. Correct the rule, then try again."
    ),
    "route.no_service": _("No rule chose a service. Add a rule for such orders, or one for everything else."),
    "route.service_gone": _(
        "A rule chose the service {service}, which does not exist or is switched off. Correct the rule, then try again."
    ),
    "route.service_country": _(
        "{service} does not go to {country:country}. Change the rules, or the countries of the service."
    ),
    "route.service_weight": _(
        "{service} takes at most {max_g:weight}; this order weighs {weight_g:weight}. Change the rules."
    ),
    "route.service_battery": _("{service} takes no batteries. Change the rules for goods with batteries."),
    "service.not_to": _("does not go to {country:country}"),
    "service.too_heavy": _("at most {max_g:weight}, this weighs {weight_g:weight}"),
    "service.no_battery": _("takes no batteries"),
    "booking.no_service": _("No service was chosen. Let the rules decide again."),
    "booking.no_warehouse": _("No warehouse was chosen. Let the rules decide again."),
    "booking.no_weight": _("No weight is known for {skus:list}. Enter it with the SKU, then book again."),
    "booking.nothing_left": _("Everything is sent or in a parcel already."),
    "listing.not_found": _("This listing does not exist any more. Load the page again."),
    "listing.matched": _("Listing matched to a SKU"),
    "listing.bad_units": _("Write how many units of the SKU one sold piece holds: 1 to 10,000."),
    "rules.published": _("Rules version {version} published, {rules} rules"),
    "rules.there_already": _("Rules are published already. Change them on the page of the rules."),
    "rules.no_warehouse": _("Add the warehouse that you ship from first."),
    "rules.no_service": _("Connect a carrier and choose one of its services first."),
    "rules.invalid": _("The rules cannot be published as they are. Correct the places that are marked."),
    "rule.always": _("always"),
    "rule.not": _("not"),
    "rule.or": _("or"),
    "rule.every_line": _("every line:"),
    "rule.hidden": _("personal, not shown"),
    "rule.stop": _("stop here"),
    "rule.outcome.acted": _("acted"),
    "rule.outcome.already_set": _("already set"),
    "rule.outcome.no": _("no match"),
    "rule.outcome.skipped": _("not asked"),
    "rule.do.warehouse": _("warehouse"),
    "rule.do.service": _("service"),
    "rule.do.hold": _("hold"),
    "rule.do.tag": _("tag"),
    "rule.field.platform": _("marketplace"),
    "rule.field.account": _("account"),
    "rule.field.country": _("country"),
    "rule.field.region": _("state or province"),
    "rule.field.city": _("city"),
    "rule.field.postcode": _("postcode"),
    "rule.field.receiver": _("receiver"),
    "rule.field.company": _("has a company name"),
    "rule.field.note": _("buyer's note"),
    "rule.field.service_asked": _("service the buyer chose"),
    "rule.field.currency": _("currency"),
    "rule.field.total": _("order total"),
    "rule.field.amount": _("order total (any currency)"),
    "rule.field.units": _("pieces"),
    "rule.field.lines": _("lines"),
    "rule.field.weight_g": _("goods weight"),
    "rule.field.volume_cm3": _("volume in cm³"),
    "rule.field.battery": _("battery"),
    "rule.field.sku": _("any line's SKU"),
    "rule.field.title": _("any line's title"),
    "rule.field.sku_tags": _("SKU tags"),
    "rule.field.repeat_buyer": _("repeat buyer"),
    "rule.op.eq": _("="),
    "rule.op.ne": _("≠"),
    "rule.op.gt": _(">"),
    "rule.op.gte": _("≥"),
    "rule.op.lt": _("<"),
    "rule.op.lte": _("≤"),
    "rule.op.between": _("between"),
    "rule.op.in": _("in"),
    "rule.op.not_in": _("not in"),
    "rule.op.contains": _("contains"),
    "rule.op.starts_with": _("starts with"),
    "rule.op.matches_any": _("has a word of"),
    "rule.op.is_set": _("is given"),
    "rule.op.is_empty": _("is empty"),
    "address.part.name": _("name"),
    "address.part.street": _("street"),
    "address.part.city": _("city"),
    "address.part.postcode": _("postcode"),
    "address.part.country": _("country"),
    "address.missing.name": _("Write a name or a company."),
    "address.missing.street": _("Write street and house number."),
    "address.missing.city": _("This country needs a city."),
    "address.missing.postcode": _("This country needs a postcode."),
    "address.missing.country": _("Write the country."),
}
