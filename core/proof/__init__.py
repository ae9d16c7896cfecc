"""Is a text still anywhere? Every table, every stored file, every log: the proof that somebody was forgotten.

A text is looked for in the spellings that systems give it: letter case, XML and JSON escapes, URL quoting, full-width
forms, phone numbers with other separators, the search row's hashed grams. What is sealed cannot be read and is not
looked into, but for the calls in the operators' inbox, which this installation's own key opens.
"""

from core.proof.spelling import Needle
from core.proof.tables import Place

__all__ = ["Needle", "Place"]
