"""Operations on carriers and shipments."""

from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, operation

VIEW = operation("logistics.view", MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)
EXPORT = operation("logistics.export", MANAGER, CLERK, WAREHOUSE, FINANCE)
CONNECT = operation("logistics.connect", MANAGER)
BOOK = operation("logistics.book", MANAGER, CLERK, WAREHOUSE)
CANCEL = operation("logistics.cancel", MANAGER, CLERK)
LABEL = operation("logistics.label", MANAGER, CLERK, WAREHOUSE)
MANIFEST = operation("logistics.manifest", MANAGER, CLERK, WAREHOUSE)
TRACK = operation("logistics.track", MANAGER, CLERK, WAREHOUSE, SERVICE)
