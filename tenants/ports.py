"""What upper apps register with tenants: steps that make a fresh schema ready for work.

A step runs inside the new tenant's schema, in the transaction that makes the tenant active, and again after later
migrations. It must therefore be repeatable, touch the database only, and be quick.
"""

from __future__ import annotations

from collections.abc import Callable

from core.permissions import Actor

SetupStep = Callable[[Actor], None]

_steps: dict[str, SetupStep] = {}


def setup_step(name: str) -> Callable[[SetupStep], SetupStep]:
    """Register under a name such as ``inventory.locations``; called in the order of the names' apps in the settings."""

    def register(step: SetupStep) -> SetupStep:
        if _steps.get(name, step) is not step:
            raise ValueError(f"setup step {name} registered twice")
        _steps[name] = step
        return step

    return register


def setup_steps() -> dict[str, SetupStep]:
    return dict(_steps)


Choices = Callable[[], list[tuple[int, str]]]

_scopes: dict[str, Choices] = {}


def scope_choices(kind: str, choices: Choices) -> None:
    """Register what a membership can be narrowed to: ``accounts`` (channels) or ``warehouses`` (inventory).

    ``choices`` gives (id, name) of the current tenant.
    """
    if kind not in ("accounts", "warehouses"):
        raise ValueError(f"memberships have no scope over {kind}")
    _scopes[kind] = choices


def scopes() -> dict[str, list[tuple[int, str]]]:
    return {kind: choices() for kind, choices in _scopes.items()}


# name → whether the company's currency may not change any more (something is valued in it)
_valued: dict[str, Callable[[], bool]] = {}


def valued_in_currency(name: str, there: Callable[[], bool]) -> None:
    """Register who keeps values in the company's currency; ``there()`` says whether there are any in the current tenant."""
    _valued[name] = there


def is_valued() -> bool:
    return any(there() for there in _valued.values())
