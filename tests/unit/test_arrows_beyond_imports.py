"""The arrows that import-linter cannot see: foreign keys, templates, names of URLs, registrations (architecture §2)."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.urls import URLPattern, get_resolver

from config.launch.places import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(each["layers"] for each in CONTRACTS if each["type"] == "layers")
# package → place from the left; packages of one place are siblings and do not see each other
PLACE = {name.strip(" ()"): place for place, layer in enumerate(LAYERS) for name in layer.split("|")}

TAG = re.compile(r"""{%\s*(?:extends|include)\s+["']([^"']+)["']""")
URL_TAG = re.compile(r"""{%\s*url\s+["']([^"']+)["']""")
NAMING = {"reverse", "reverse_lazy", "redirect", "resolve_url", "done"}


def may_see(source: str, target: str) -> bool:
    return source == target or PLACE[source] < PLACE[target]


def package_of(name: str) -> str | None:
    """Our package of a dotted name or a path; None for somebody else's."""
    first = re.split(r"[./]", name)[0]
    return first if first in PLACE else None


def test_the_order_is_that_of_the_architecture():
    assert may_see("orders", "core")
    assert may_see("crm", "orders")
    assert not may_see("crm", "fba")
    assert not may_see("channels", "logistics")
    assert not may_see("inventory", "orders")


def test_foreign_keys_point_to_the_right():
    wrong, seen = [], 0
    for model in apps.get_models(include_auto_created=True):
        source = package_of(model.__module__)
        for field in model._meta.local_fields:
            target = package_of(field.related_model.__module__) if field.is_relation else None
            if source is None or target is None or source == target:
                continue
            seen += 1
            if not may_see(source, target):
                wrong.append(f"{model._meta.label}.{field.name} points to {target}")
            if field.remote_field.related_name != "+" and not field.remote_field.hidden:
                wrong.append(f"{model._meta.label}.{field.name}: a key across apps has related_name='+'")
    assert seen > 10
    assert wrong == []


def templates() -> Iterator[tuple[str, Path, str]]:
    """(package, file, name of the template) of every template of ours."""
    for package in PLACE:
        for folder in (ROOT / package).rglob("templates"):
            for file in folder.rglob("*"):
                if file.is_file():
                    yield package, file, str(file.relative_to(folder))


def test_templates_build_on_what_stands_to_the_right():
    owner = {name: package for package, _file, name in templates()}
    assert len(owner) > 20
    wrong = [
        f"{file.relative_to(ROOT)} uses {used} of {owner[used]}"
        for package, file, _name in templates()
        for used in TAG.findall(file.read_text(encoding="utf-8"))
        if used in owner and not may_see(package, owner[used])
    ]
    assert wrong == []


def url_owners() -> dict[str, str]:
    """Name of a URL → our package that answers it; names of other libraries are left out."""
    owners: dict[str, str] = {}

    def walk(patterns: list[Any], space: str) -> None:
        for each in patterns:
            if isinstance(each, URLPattern):
                package = package_of(getattr(each.callback, "__module__", ""))
                if each.name and package:
                    owners[space + each.name] = package
            else:
                walk(each.url_patterns, f"{space}{each.namespace}:" if each.namespace else space)

    for urlconf in ("config.urls_tenant", "config.urls_public"):
        walk(get_resolver(urlconf).url_patterns, "")
    return owners


def test_names_of_urls_in_templates_point_to_the_right():
    owners = url_owners()
    wrong = [
        f"{file.relative_to(ROOT)} links to {name} of {owners[name]}"
        for package, file, _name in templates()
        for name in URL_TAG.findall(file.read_text(encoding="utf-8"))
        if name in owners and not may_see(package, owners[name])
    ]
    assert wrong == []


def named_in(tree: ast.AST) -> Iterator[str]:
    """Literals handed to functions that make addresses of names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called in NAMING:
                given = [*node.args, *(each.value for each in node.keywords)]
                yield from (
                    each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_names_of_urls_in_code_point_to_the_right():
    owners = url_owners()
    wrong = []
    for package in PLACE:
        for file in (ROOT / package).rglob("*.py"):
            for name in named_in(ast.parse(file.read_text(encoding="utf-8"))):
                if name in owners and not may_see(package, owners[name]):
                    wrong.append(f"{file.relative_to(ROOT)} goes to {name} of {owners[name]}")
    assert wrong == []


# -- registrations: an upper app tells a lower one what it can do, never the other way round

REGISTRIES = ["ports", "panels", "menu", "today", "erasure", "words", "due", "events", "jobs"]


def registries() -> Iterator[tuple[str, str, str, Any]]:
    """(module, its package, name, function) of everything that stands in a module-level dict or list of a registry."""
    for package in PLACE:
        for name in REGISTRIES:
            for file in (ROOT / package).rglob(f"{name}.py"):
                module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
                for attribute, held in vars(module).items():
                    if attribute.startswith("_") and not attribute.startswith("__") and isinstance(held, dict | list):
                        yield from _entries(module.__name__, package, attribute, held)


def _entries(module: str, package: str, attribute: str, held: Any) -> Iterator[tuple[str, str, str, Any]]:
    pairs = held.items() if isinstance(held, dict) else enumerate(held)
    for key, value in pairs:
        for one in value if isinstance(value, list | tuple) else [value]:
            call = one if callable(one) else getattr(one, "call", None)
            if callable(call) and hasattr(call, "__module__"):
                yield f"{module}.{attribute}", package, str(key), call


def test_registrations_come_from_the_left(capsys: pytest.CaptureFixture[str]):
    wrong, lines = [], []
    for registry, package, name, call in registries():
        registrant = package_of(call.__module__)
        lines.append(f"{registry:40} {name:36} {call.__module__}.{getattr(call, '__qualname__', '')}")
        if registrant is not None and not may_see(registrant, package):
            wrong.append(f"{registry}: {name} is registered by {registrant}")
    with capsys.disabled():
        print("\n" + "\n".join(sorted(lines)))
    assert lines
    assert wrong == []
