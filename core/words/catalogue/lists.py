"""Lists: what is done to many rows in the background, files, saved views."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "list.not_found": _("There is no such list."),
    "list.no_act": _("This is not known any more. Do it again from the list."),
    "list.no_export": _("This list does not go out as a file, or not in this form."),
    "list.export_cut": _("Only the first {most:number} rows are in the file. Narrow the list, then take the rest."),
    "list.export_lost": _("What was read so far is not kept any more. Take the file out again from the list."),
    "list.orders": _("Orders"),
    "list.skus": _("SKUs"),
    "list.stock": _("Stock"),
    "list.parcels": _("Shipments"),
    "list.restock": _("Restock"),
    "list.inbox": _("Inbox"),
    "list.accounts": _("Channels"),
    "list.deadletters": _("Dead letters"),
    "job.export": _("File of {list:list.}"),
    "view.not_found": _("This view does not exist any more, or it is another person's."),
    "view.name_wanted": _("Give the view a name."),
    "view.name_taken": _("There is a view called “{name}” already. Choose another name."),
    "view.too_many": _("At most {most:number} views of a list are kept for one person. Delete one first."),
    "view.too_many_shared": _("At most {most:number} views of a list are shared. Take one back first."),
    "view.shared": _("Shared the view “{name}” of {list:list.}"),
    "view.unshared": _("Took back the view “{name}” of {list:list.}"),
    "view.deleted": _("Deleted the shared view “{name}” of {list:list.}"),
    "job.orders.hold": _("Holding orders"),
    "job.orders.route": _("Letting orders go"),
    "job.orders.cancel": _("Cancelling orders"),
    "job.orders.tag": _("Tagging orders"),
    "job.orders.book": _("Booking orders"),
}
