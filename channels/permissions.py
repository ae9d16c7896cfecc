"""Operations on marketplace accounts and on what came from them."""

from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, operation

VIEW = operation("channels.view", MANAGER, CLERK, WAREHOUSE, SERVICE, FINANCE, VIEWER)
CONNECT = operation("channels.connect", MANAGER)
PULL = operation("channels.pull", MANAGER, CLERK)
LETTERS = operation("channels.deadletters", MANAGER, CLERK)
EXPORT = operation("channels.export", MANAGER, CLERK)
PAYLOAD = operation("channels.payload", MANAGER)
