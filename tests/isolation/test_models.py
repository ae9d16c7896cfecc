"""Every model of a tenant, with a row in two tenants under one primary key: neither sees or touches the other's."""

from __future__ import annotations

import pytest
from django.db import models

from core.errors import NoTenant, WrongTenant
from core.tenancy import TenantQuerySet, tenant_context
from tenants.checks import tenant_models
from tests.isolation import rows

pytestmark = pytest.mark.django_db
MODELS = [pytest.param(model, id=model._meta.label) for model in tenant_models()]


@pytest.fixture
def both(acme, beta) -> tuple[str, str]:
    rows.fill(acme, "of acme")
    rows.fill(beta, "of beta")
    return acme, beta


@pytest.mark.parametrize("model", MODELS)
def test_a_model_keeps_tenants_apart(model: type[models.Model], both):
    acme, beta = both
    assert isinstance(model._default_manager.all(), TenantQuerySet)
    assert isinstance(model._base_manager.all(), TenantQuerySet)
    marks = {}
    for schema in both:
        with tenant_context(schema):
            row = model._default_manager.get(pk=rows.KEY)
            assert model._default_manager.filter(pk=rows.KEY).count() == 1
            given = rows.GIVEN.get(model._meta.label, {})
            marks[schema] = {getattr(row, field.attname) for field in texts(model) if field.attname not in given}
    assert not marks[acme] & marks[beta]

    with tenant_context(acme):
        mine = model._default_manager.get(pk=rows.KEY)
        lazy = model._default_manager.all()
    with tenant_context(beta):
        for act in (lambda: list(lazy), lazy.delete, mine.save, mine.delete, mine.refresh_from_db):
            with pytest.raises(WrongTenant):
                act()
        for field in model._meta.concrete_fields:
            if field.is_relation and getattr(mine, field.attname) is not None:
                with pytest.raises(WrongTenant):
                    getattr(mine, field.name)
    with pytest.raises(NoTenant):
        model._default_manager.count()

    before = rows.digest(beta)
    with tenant_context(acme), rows.unchecked():
        model._default_manager.filter(pk=rows.KEY).update(**{_some(model).name: getattr(mine, _some(model).attname)})
        model._default_manager.filter(pk=rows.KEY)._raw_delete("default")
        assert not model._default_manager.filter(pk=rows.KEY).exists()
    assert rows.digest(beta) == before


def texts(model: type[models.Model]) -> list[models.Field]:
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and (field.max_length or 99) >= 7
    ]


def _some(model: type[models.Model]) -> models.Field:
    return next((field for field in model._meta.concrete_fields if not field.primary_key), model._meta.pk)


def test_the_rows_of_both_tenants_differ_in_every_text(both):
    """The test above compares marks; this shows that there are marks to compare."""
    assert sum(bool(texts(model)) for model in tenant_models()) > 30
