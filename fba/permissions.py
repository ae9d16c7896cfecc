"""Operations on restocking."""

from core.permissions import CLERK, MANAGER, VIEWER, WAREHOUSE, operation

VIEW = operation("fba.view", MANAGER, CLERK, WAREHOUSE, VIEWER)
RUN = operation("fba.run", MANAGER, CLERK)
SETTINGS = operation("fba.settings", MANAGER)
