"""Signed-in people of acme and a house with orders in many states."""

from tests.ui.conftest import House, cost, house, owner, sign_in

__all__ = ["House", "cost", "house", "owner", "sign_in"]
