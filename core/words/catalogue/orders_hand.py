"""What persons do to single orders: orders by hand, edited lines, chosen routes, assignment, notes, taking back."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "platform.manual": _("Entered by hand"),
    # orders by hand
    "order.entered": _("Entered by hand: {total:money}, lines: {lines}"),
    "order.copy_of": _("Sends {order} again: {reason:resend.}"),
    "order.sent_again": _("Sent again as {order}: {reason:resend.}"),
    "order.marked_paid": _("Marked as paid"),
    "order.no_items": _("Add at least one line: a SKU and how many."),
    "order.too_many_items": _("An order holds at most {most:number} lines. Enter the rest as a second order."),
    "order.item_quantity": _("Write a whole number of pieces, 1 to {most:number}."),
    "order.item_price": _("Write a price of 0 or more, for example 12.50."),
    "order.account_needed": _("Choose the account that this order counts for; you work for some accounts only."),
    "order.looks_entered": _(
        "This looks entered already: {orders:list}. Look at it first; if it is another order, enter it all the same."
    ),
    "order.not_unpaid_by_hand": _("Only unpaid orders that were entered by hand are marked as paid here."),
    "resend.lost": _("lost on the way"),
    "resend.damaged": _("arrived damaged"),
    "resend.wrong": _("the wrong thing was sent"),
    "resend.missing": _("something was missing"),
    "resend.other": _("another reason"),
    # edited lines
    "order.lines_edited": _("Lines changed ({reason:edit.reason.})"),
    "order.lines_restored": _("Lines as they were before"),
    "edit.reason.buyer_asked": _("the buyer asked for it"),
    "edit.reason.swap": _("another SKU in its place"),
    "edit.reason.gift": _("a gift"),
    "edit.reason.short": _("not enough stock"),
    "edit.reason.mistake": _("a mistake corrected"),
    "edit.reason.other": _("another reason"),
    "line.not_found": _("A line is not there any more. Load the page again."),
    "line.needs_sku": _("Choose a SKU for every line."),
    "line.more_than_sold": _(
        "{sku}: {sold:number} were sold, so more cannot be sent on this line. Add a line for the extra ones."
    ),
    "line.less_than_sent": _("{sku}: {sent:number} were sent already, so fewer cannot be wanted."),
    "line.per_piece": _("Write how many units of the SKU one sold piece holds: 1 to {most:number}."),
    "line.unknown_sku": _("No SKU has the code {sku}. Choose one from the list."),
    "line.quantity": _("Write a whole number."),
    "order.nothing_left": _("Nothing would be left to send. Cancel the order instead."),
    # chosen routes
    "order.warehouse_chosen": _("Warehouse chosen by hand: {warehouse}"),
    "order.service_chosen": _("Service chosen by hand: {service}"),
    "order.warehouse_to_rules": _("The rules choose the warehouse again"),
    "order.service_to_rules": _("The rules choose the service again"),
    "route.chosen_warehouse_closed": _(
        "The warehouse that was chosen by hand is closed, or not yours. Choose another one, or leave it to the rules."
    ),
    "route.chosen_service_gone": _(
        "The service that was chosen by hand is switched off. Choose another one, or leave it to the rules."
    ),
    "route.cannot_country": _("{service} does not go to {country:country}."),
    "route.cannot_weight": _("{service} takes at most {max_g:weight}; this order weighs {weight_g:weight}."),
    "route.cannot_battery": _("{service} takes no batteries."),
    "route.nothing_chosen": _("Choose a warehouse or a service, or what the rules shall decide again."),
    # people
    "order.assigned": _("Assigned to {to}"),
    "order.unassigned": _("Assigned to nobody"),
    "order.no_such_colleague": _("This person is no member any more. Choose somebody else."),
    "order.noted": _("Internal note written"),
    "order.note_removed": _("Internal note removed"),
    "note.empty": _("Write something first."),
    "note.too_long": _("A note holds at most {most:number} characters."),
    "note.not_yours": _("Only who wrote a note may remove it."),
    # taking back
    "order.undone": _("Taken back: {what:code}"),
    "undo.not_there": _("This cannot be taken back."),
    "undo.done_already": _("This was taken back already."),
    "undo.moved_on": _("The order has moved on since, so this cannot be taken back any more. Change it by hand."),
    # acts over many orders
    "job.orders.assign": _("Assigning orders"),
    "job.orders.choose": _("Changing warehouse or service of orders"),
}
