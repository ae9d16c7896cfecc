"""Operations on restocking."""

from core.permissions import CLERK, MANAGER, VIEWER, WAREHOUSE, operation

VIEW = operation("fba.view", MANAGER, CLERK, WAREHOUSE, VIEWER)
EXPORT = operation("fba.export", MANAGER, CLERK)
RUN = operation("fba.run", MANAGER, CLERK)
SETTINGS = operation("fba.settings", MANAGER)
