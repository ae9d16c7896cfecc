"""Celery carries hints; the rows' leases decide. A task declares whether it works for a tenant or centrally."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from tenant_schemas_celery.app import CeleryApp
from tenant_schemas_celery.task import TenantTask


class StrictTask(TenantTask):
    """Refuses to run undeclared work: ``@shared_task(central=True)`` runs in public, all else needs a tenant."""

    abstract = True
    central = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from core.errors import NoTenant
        from core.tenancy import public_context

        if self.central:  # wherever it was called from
            with public_context():
                return super().__call__(*args, **kwargs)
        headers = self.request.headers or {}
        schema = headers.get("_schema_name") or self.request.get("_schema_name")
        if schema in (None, "", "public"):
            raise NoTenant(task=self.name)
        return super().__call__(*args, **kwargs)


app = CeleryApp("sampan", task_cls=StrictTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery closes the database connection after every task whatever CONN_MAX_AGE says; this full name keeps it for 50.
app.conf.update({"CELERY_DB_REUSE_MAX": 50})
app.autodiscover_tasks()
