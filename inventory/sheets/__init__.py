"""Sheets that people bring in: read whatever they send, guess what its columns mean, say by line what is wrong. Pure."""

from inventory.sheets.columns import Column, guess, normal
from inventory.sheets.reading import Sheet, SheetError, read_sheet

__all__ = ["Column", "Sheet", "SheetError", "guess", "normal", "read_sheet"]
