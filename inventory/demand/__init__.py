"""Reorder mathematics without a database: velocity, safety, position, projection, and a suggestion that shows every term."""

from .position import Arrival, PositionSettings, Stock, position
from .projection import Demand, Projection, Route, cheapest_in_time, project
from .safety import newsvendor, normal_safety, poisson_quantile, rolling_sigma, z_value
from .share import Claim, Shares, fair_shares
from .suggest import Advice, CoverSettings, LeadTime, Packing, Request, Suggestion, advise, suggest
from .terms import Term
from .velocity import VelocitySettings, Window, days_of_supply, velocity, windows

__all__ = [
    "Advice",
    "Arrival",
    "Claim",
    "CoverSettings",
    "Demand",
    "LeadTime",
    "Packing",
    "PositionSettings",
    "Projection",
    "Request",
    "Route",
    "Shares",
    "Stock",
    "Suggestion",
    "Term",
    "VelocitySettings",
    "Window",
    "advise",
    "cheapest_in_time",
    "days_of_supply",
    "fair_shares",
    "newsvendor",
    "normal_safety",
    "poisson_quantile",
    "position",
    "project",
    "rolling_sigma",
    "suggest",
    "velocity",
    "windows",
    "z_value",
]
