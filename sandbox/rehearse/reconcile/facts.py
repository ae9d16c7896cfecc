"""What the comparison has to be told: the tenant, its accounts, and what people changed on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """``name`` at the platform, ``id`` ours."""

    platform: str
    name: str
    id: int


@dataclass
class Facts:
    """``names_given``: account and order ids whose receiver's name a person of ours filled in.

    ``cancelled_unseen``: orders that were cancelled before we read the account for the first time: no parcel may ever
    have been asked for. ``carrier_names``: what a marketplace is told of a carrier, {(carrier, platform): name}.
    ``planned_dead``: reasons of raw payloads that were put in broken.
    """

    schema: str
    accounts: list[AccountFacts]
    carrier_account: str
    carrier_names: dict[tuple[str, str], str] = field(default_factory=dict)
    names_given: dict[tuple[str, str], str] = field(default_factory=dict)
    cancelled_unseen: set[tuple[str, str]] = field(default_factory=set)
    planned_dead: frozenset[str] = frozenset()
    must_arrive: bool = True  # parcels are expected to be delivered or returned
