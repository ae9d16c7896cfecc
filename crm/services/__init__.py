"""Acts on conversations: reading messages in, answering once, notes, templates."""

from crm.services.answers import answer, assign, close, note, reopen, retry
from crm.services.incoming import Result, ingest_pending
from crm.services.sending import Sent, send_due
from crm.services.templates import Preview, delete_template, fill, preview, save_template

__all__ = [
    "Preview",
    "Result",
    "Sent",
    "answer",
    "assign",
    "close",
    "delete_template",
    "fill",
    "ingest_pending",
    "note",
    "preview",
    "reopen",
    "retry",
    "save_template",
    "send_due",
]
