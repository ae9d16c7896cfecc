"""Both sides of the trip compared: what the platforms and the carrier know against what stands in Sampan."""

from .check import Report, reconcile
from .difference import Difference

__all__ = ["Difference", "Report", "reconcile"]
