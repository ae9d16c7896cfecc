"""The inbox: deadlines, files beside notes, acts on many conversations."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "job.crm.assign": _("Assigning conversations"),
    "job.crm.close": _("Closing conversations without an answer"),
    "conversation.hours": _("Give whole hours, 1 to {most:number}."),
    "attachment.too_many": _("At most {most:number} files at a time."),
    "attachment.too_large": _("{name} is larger than {megabytes:number} MB."),
    "attachment.type": _("{name} is no PDF, PNG, JPEG or text. Only these are kept."),
}
