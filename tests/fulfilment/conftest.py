"""The same shop and carrier as in the tests of logistics."""

from tests.logistics.conftest import carrier, shop, simulators

__all__ = ["carrier", "shop", "simulators"]
