"""Operations on orders."""

from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, operation

VIEW = operation("orders.view", MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)
EDIT = operation("orders.edit", MANAGER, CLERK)
HOLD = operation("orders.hold", MANAGER, CLERK, SERVICE)
ROUTE = operation("orders.route", MANAGER, CLERK)
BOOK = operation("orders.book", MANAGER, CLERK, WAREHOUSE)
CANCEL = operation("orders.cancel", MANAGER, CLERK)
ASSIGN = operation("orders.assign", MANAGER, CLERK, WAREHOUSE, SERVICE)  # to colleagues; internal notes too
RULES = operation("orders.rules", MANAGER)
EXPORT = operation("orders.export", MANAGER, CLERK, FINANCE)
