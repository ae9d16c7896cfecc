"""What a person may and may not do, and what the shell and its lists say."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "permission.missing": _("Your role does not have the right to do this."),
    "permission.warehouse": _("You do not work in this warehouse; ask a manager to add it to your scope."),
    "business.refused": _("This cannot be done as things stand."),
    "error": _(
        "Something went wrong on our side. Try again; if it happens again, tell the person who runs this installation."
    ),
    "lease.lost": _("Another worker has taken this over; nothing was done twice."),
    "tenancy.none": _("This work belongs to no company. Tell the person who runs this installation."),
    "tenancy.wrong": _("This belongs to another company. Nothing was changed."),
    "secrets.unreadable": _(
        "A stored secret cannot be read. Enter the credentials again; if that does not help, the master key of "
        "the installation is missing."
    ),
    "state.illegal_move": _(
        "This cannot go from “{state:state.}” to “{target:state.}”. Load the page again: somebody may have been "
        "quicker."
    ),
    "list.nothing_selected": _("Nothing is selected. Tick the rows first."),
    "list.no_filter": _("There is no filter {filter}. Load the page again."),
    "list.bad_position": _("This place in the list cannot be read. Start again from the first page."),
    "file.damaged": _(
        "The stored file is lost or damaged. Make it again, for example by fetching the label once more."
    ),
    "file.empty": _("The file {name} is empty. Choose another one."),
    "file.too_large": _("The file {name} is larger than {megabytes} MB. Split it or make it smaller."),
    "file.type_mismatch": _(
        "The file {name} is not what its name says ({media_type}). Save it again in the right format."
    ),
    "job.not_resumable": _("This job is {state}; only one that failed, was cancelled or interrupted can go on."),
    "job.still_running": _("This job is running already."),
    "setting.auto_book_on": _("Automatic booking switched on"),
    "setting.auto_book_off": _("Automatic booking switched off"),
    "setting.changed": _("Setting changed: {name:setting.name.}"),
    "setting.bad": _("Check these settings: {fields}"),
    "setting.name.auto_book": _("automatic booking"),
    "setting.name.tell_marketplace": _("when the marketplace is told"),
    "setting.name.packaging_g": _("weight of the packaging"),
    "setting.name.customs_name_en": _("customs name, English"),
    "setting.name.customs_name_zh": _("customs name, Chinese"),
    "setting.name.ioss": _("IOSS numbers"),
    "setting.name.weigh_tolerance_g": _("tolerance of the scale in grams"),
    "setting.name.weigh_tolerance_percent": _("tolerance of the scale in percent"),
    "setting.name.weigh_before_handover": _("weighing before the hand-over"),
    "setting.name.answer_hours": _("hours to answer a buyer"),
    "setting.name.alarm_hours": _("hours until an alarm rings"),
    "setting.name.fba.restock": _("restocking"),
    "setting.name.orders.platform_issued_from": _("from when on parcels of the platform's warehouse leave our books"),
    "setting.name.first_run.dismissed": _("first steps put away"),
    "work.crashed": _(
        "A defect of ours ({error} at {at}) stopped this. It is tried again; tell the person who runs this "
        "installation if it stays."
    ),
    "work.died": _("The worker was ended several times while doing this. It was set aside; look at it and retry."),
    "work.handler_missing": _(
        "This version of Sampan does not know this kind of work. Update all processes, then retry."
    ),
}
