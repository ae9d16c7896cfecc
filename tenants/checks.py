"""System checks of what keeps tenants apart (architecture §6, §7). ``manage.py check`` and every command runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from core.tenancy import TenantModel

MOST_TABLES = 120


def tenant_models() -> list[type[models.Model]]:
    """Models of the tenants' apps, those that Django makes for many-to-many fields included."""
    return [
        model
        for config in apps.get_app_configs()
        if config.name in settings.TENANT_APPS
        for model in config.get_models(include_auto_created=True)
    ]


@register(Tags.models)
def tenants_stay_apart(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name in sorted(set(settings.SHARED_APPS) & set(settings.TENANT_APPS)):
        problems.append(Error(f"{name} stands in SHARED_APPS and in TENANT_APPS", id="tenants.E001"))
    found = tenant_models()
    if len(found) > MOST_TABLES:
        problems.append(Error(f"a tenant has {len(found)} tables, more than {MOST_TABLES}", id="tenants.E003"))
    inside = set(found)
    for model in found:
        problems += check_model(model, inside)
    for model in apps.get_models(include_auto_created=True):
        if model not in inside and not model._meta.abstract:
            problems += [
                Error(f"{model._meta.label}.{field.name} of public points into a tenant", obj=model, id="tenants.E006")
                for field in model._meta.get_fields()
                if _points_to(field) in inside
            ]
    return problems


def check_model(model: type[models.Model], inside: set[type[models.Model]]) -> list[CheckMessage]:
    """What is wrong with one model of a tenant's schema."""
    label = model._meta.label
    if not issubclass(model, TenantModel):
        hint = "name the table between: a model that Django makes knows no tenant" if model._meta.auto_created else None
        return [Error(f"{label} is no TenantModel", hint=hint, obj=model, id="tenants.E005")]
    problems: list[CheckMessage] = []
    for field in model._meta.get_fields():
        target = _points_to(field)
        if target is not None and target not in inside:
            problems.append(
                Error(f"{label}.{field.name} points to {target._meta.label} in public", obj=model, id="tenants.E002")
            )
    names = {field.name for field in model._meta.get_fields()}
    declared = set(model.personal) | set(model.plain)
    texts = {field.name for field in model._meta.local_fields if isinstance(field, models.CharField | models.TextField)}
    for name in sorted(texts - declared):
        hint = "add it to `personal` or to `plain` of the model"
        problems.append(
            Error(f"{label}.{name} is declared neither personal nor plain", hint=hint, obj=model, id="tenants.E004")
        )
    for name in sorted(declared - names) + sorted(set(model.personal) & set(model.plain)):
        problems.append(Error(f"{label} declares {name} wrongly", obj=model, id="tenants.E007"))
    return problems


def _points_to(field: Any) -> type[models.Model] | None:
    """The model that a foreign key, one-to-one or many-to-many field of this side points to."""
    if not field.is_relation or field.auto_created or not getattr(field, "related_model", None):
        return None
    target: type[models.Model] = field.related_model
    return target
