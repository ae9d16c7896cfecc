"""Who may do what: operation × data scope. Each app declares its operations in ``<app>/permissions.py``.

A *role* is a named set of operations; a Membership gives a user a role and, if wanted, a scope of channel accounts and
warehouses. Functions in ``services`` call ``actor.require(OP)``; functions in ``queries`` also narrow by scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import NotAllowed

OWNER, MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER = (
    "owner",
    "manager",
    "clerk",
    "warehouse",
    "service",
    "finance",
    "viewer",
)
ROLES = (OWNER, MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)

_operations: dict[str, frozenset[str]] = {}


def operation(name: str, *roles: str) -> str:
    """Declare an operation and the roles that have it (owner always has all). Returns the name."""
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"unknown roles {unknown}")
    if name in _operations and _operations[name] != frozenset(roles) | {OWNER}:
        raise ValueError(f"operation {name} declared twice")
    _operations[name] = frozenset(roles) | {OWNER}
    return name


def operations() -> dict[str, frozenset[str]]:
    return dict(_operations)


def of_role(role: str) -> frozenset[str]:
    return frozenset(name for name, roles in _operations.items() if role in roles)


# Field groups that are hidden unless the role has the operation.
SEE_PERSONAL = operation("fields.personal", MANAGER, CLERK, WAREHOUSE, SERVICE)
SEE_COST = operation("fields.cost", MANAGER, FINANCE)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``accounts``/``warehouses`` None means all. The system actor may do everything."""

    kind: str  # user, api, system
    id: int | None
    label: str
    operations: frozenset[str] = frozenset()
    accounts: frozenset[int] | None = None
    warehouses: frozenset[int] | None = None
    everything: bool = False
    language: str = "en"
    timezone: str = "UTC"
    extra: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    def can(self, op: str) -> bool:
        if op not in _operations:
            raise ValueError(f"undeclared operation {op!r}")
        return self.everything or op in self.operations

    def require(self, op: str) -> None:
        if not self.can(op):
            raise NotAllowed(operation=op)

    def sees_account(self, account_id: int | None) -> bool:
        return self.accounts is None or (account_id is not None and account_id in self.accounts)

    def sees_warehouse(self, warehouse_id: int | None) -> bool:
        return self.warehouses is None or warehouse_id is None or warehouse_id in self.warehouses


def system(label: str) -> Actor:
    """The actor of background work; ``label`` says which work, e.g. ``sync``."""
    return Actor(kind="system", id=None, label=label, everything=True)
