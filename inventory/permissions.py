"""Operations on products, stock and its value."""

from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, operation

VIEW = operation("inventory.view", MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)
EDIT_CATALOGUE = operation("inventory.edit_catalogue", MANAGER, CLERK)
EDIT_WAREHOUSE = operation("inventory.edit_warehouse", MANAGER)
EXPORT = operation("inventory.export", MANAGER, CLERK, WAREHOUSE, FINANCE)
RECEIVE = operation("inventory.receive", MANAGER, WAREHOUSE)
ADJUST = operation("inventory.adjust", MANAGER, WAREHOUSE)
OPENING = operation("inventory.opening", MANAGER, FINANCE)
ISSUE = operation("inventory.issue", MANAGER, CLERK, WAREHOUSE)
RETURN = operation("inventory.return", MANAGER, WAREHOUSE, SERVICE)
TRANSFER = operation("inventory.transfer", MANAGER, WAREHOUSE)
FREEZE = operation("inventory.freeze", MANAGER, WAREHOUSE)
# Take units away although a buyer's reservation stands on them, or although the books say that they are not there.
FORCE = operation("inventory.force", MANAGER)
EDIT_COST = operation("inventory.edit_cost", MANAGER, FINANCE)
CLOSE_PERIOD = operation("inventory.close_period", FINANCE)
# A value that belongs to a closed period is posted in the first open one; only these may cause that.
POST_TO_CLOSED = operation("inventory.post_to_closed", FINANCE)
