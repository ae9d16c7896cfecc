"""The system checks refuse models that would let tenants touch."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from core.tenancy import TenantModel
from inventory.models import Sku
from tenants import checks
from tenants.models import User


def ids(model: type[models.Model], *others: type[models.Model]) -> list[str]:
    return sorted(str(problem.id) for problem in checks.check_model(model, {model, Sku, *others}))


def test_the_project_passes():
    assert checks.tenants_stay_apart(None) == []
    assert len(checks.tenant_models()) > 40


@isolate_apps("inventory")
def test_what_a_tenants_model_must_not_do():
    class Plain(models.Model):
        class Meta:
            app_label = "inventory"

    class Pointing(TenantModel):
        user = models.ForeignKey(User, models.CASCADE, related_name="+")

        class Meta:
            app_label = "inventory"

    class Undeclared(TenantModel):
        name = models.CharField(max_length=10)
        mail = models.EmailField()
        note = models.TextField()
        plain = ("note",)

        class Meta:
            app_label = "inventory"

    class Wrong(TenantModel):
        name = models.CharField(max_length=10)
        personal = ("name", "gone")
        plain = ("name",)

        class Meta:
            app_label = "inventory"

    class Sound(TenantModel):
        sku = models.ForeignKey(Sku, models.CASCADE, related_name="+")
        name = models.CharField(max_length=10)
        personal = ("name",)

        class Meta:
            app_label = "inventory"

    assert ids(Plain) == ["tenants.E005"]
    assert ids(Pointing) == ["tenants.E002"]
    assert ids(Undeclared) == ["tenants.E004", "tenants.E004"]
    assert ids(Wrong) == ["tenants.E007", "tenants.E007"]
    assert ids(Sound) == []


@isolate_apps("inventory")
def test_a_many_to_many_table_must_be_named():
    class Linked(TenantModel):
        skus = models.ManyToManyField(Sku, related_name="+")

        class Meta:
            app_label = "inventory"

    through = Linked._meta.get_field("skus").remote_field.through
    assert ids(through, Linked) == ["tenants.E005"]


def test_an_app_stands_on_one_side_only(settings):
    settings.SHARED_APPS = [*settings.SHARED_APPS, "inventory"]
    assert [problem.id for problem in checks.tenants_stay_apart(None)] == ["tenants.E001"]


def test_there_is_an_end_to_tables(monkeypatch):
    monkeypatch.setattr(checks, "MOST_TABLES", 40)
    assert [problem.id for problem in checks.tenants_stay_apart(None)] == ["tenants.E003"]


@pytest.mark.parametrize("label", ["tenants", "central"])
def test_nothing_in_public_points_into_a_tenant(label):
    inside = set(checks.tenant_models())
    for model in apps.get_app_config(label).get_models():
        assert all(checks._points_to(field) not in inside for field in model._meta.get_fields())
