"""Where upper apps answer questions of orders now, without orders knowing them (architecture §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.ui.lists import Bulk

# name → f(order ids) → {order id: value}: further facts for rules (profit, credit, customer value)
FactSource = Callable[[Sequence[int]], Mapping[int, Any]]
# f(order ids) → {order id: (reason code, params)} for orders that may NOT be released; asked inside the transaction
Gate = Callable[[Sequence[int]], Mapping[int, tuple[str, dict[str, Any]]]]
# name → f(order ids, params) → None: things a rule or a person can have done (send a message, make an invoice)
Action = Callable[[Sequence[int], Mapping[str, Any]], None]

# name → f() → what upper apps offer to do with a selection of orders (print their labels)
BulkAct = Callable[[], Bulk]

facts: dict[str, FactSource] = {}
gates: dict[str, Gate] = {}
actions: dict[str, Action] = {}
bulk: dict[str, BulkAct] = {}
