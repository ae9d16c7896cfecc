"""Operations on the warehouse floor."""

from core.permissions import CLERK, MANAGER, WAREHOUSE, operation

SHIP = operation("fulfilment.ship", MANAGER, CLERK, WAREHOUSE)
OVERRIDE = operation("fulfilment.override", MANAGER, WAREHOUSE)  # accept a weight outside of the tolerance, a conflict
UNDO = operation("fulfilment.undo", MANAGER, WAREHOUSE)
