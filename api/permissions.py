"""Operations on the programming interface itself. What a key may do with the business is the business's own operations."""

from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, operation

KEYS = operation("api.keys", MANAGER)
WEBHOOKS = operation("api.webhooks", MANAGER)
JOBS = operation("api.jobs", MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)
RESERVE = operation("api.reserve", MANAGER, CLERK, WAREHOUSE)
