"""Operations on conversations with buyers."""

from core.permissions import CLERK, MANAGER, SERVICE, operation

VIEW = operation("crm.view", MANAGER, CLERK, SERVICE)
ANSWER = operation("crm.answer", MANAGER, CLERK, SERVICE)
EXPORT = operation("crm.export", MANAGER, CLERK, SERVICE)
TEMPLATES = operation("crm.templates", MANAGER, SERVICE)
