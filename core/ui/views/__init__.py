"""Every page of a tenant's host goes through ``page(operation)``: signed in, a member, allowed, in its zone and language."""

from core.ui.views.page import PAGES, Page, done, fragment, page, sentence

__all__ = ["PAGES", "Page", "done", "fragment", "page", "sentence"]
