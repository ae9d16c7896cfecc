"""A simulated eBay: Trading API over XML, OAuth, Platform Notifications, account deletion."""

from .server import Ebay

SIMULATOR = Ebay
