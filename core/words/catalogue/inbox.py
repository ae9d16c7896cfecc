"""The inbox: deadlines, files of messages, acts on many conversations."""

from django.utils.translation import gettext_noop as _

SENTENCES: dict[str, str] = {
    "job.crm.assign": _("Assigning conversations"),
    "job.crm.close": _("Closing conversations without an answer"),
    "conversation.hours": _("Give whole hours, 1 to {most:number}."),
    "attachment.too_many": _("At most {most:number} files at a time."),
    "attachment.too_large": _("{name} is larger than {megabytes:number} MB."),
    "attachment.type": _("{name} is no PDF, PNG, JPEG or text. Only these are kept."),
    "attachment.picture": _("{name} is no PNG or JPEG picture. The marketplace takes only these."),
    "attachment.not_here": _("{platform} takes no pictures with an answer. Send it without."),
    "attachment.lost": _("A picture of this answer is no longer kept here. Write it again with the picture."),
    "media.address": _("Its address is none of the marketplace's own, so it was not fetched."),
    "media.redirected": _("The marketplace points somewhere else for it, so it was not fetched."),
    "media.too_large": _("It is larger than {megabytes:number} MB, so it was not kept."),
    "media.type": _("It is no PNG, JPEG or PDF, so it was not kept. Look at it at the marketplace."),
    "media.gone": _("The marketplace does not have it any more."),
    "media.empty": _("The marketplace gave nothing; it is tried again."),
    "media.gave_up": _("The marketplace did not give it after many attempts. Look at it there."),
}
