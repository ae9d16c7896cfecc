"""Amazon's Selling Partner API: LWA tokens, orders 2026-01-01, shipment confirmation, FBA stock, sellers, messaging."""

from .server import Amazon

SIMULATOR = Amazon

__all__ = ["SIMULATOR"]
