"""What import-linter would not notice: a package that nobody told it about, canonical types that reach further."""

from __future__ import annotations

import ast
import tomllib

import pytest

from config.launch.places import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def test_every_package_is_in_the_contracts():
    assert set(CONTRACTS["root_packages"]) == PACKAGES
    layers = next(each for each in CONTRACTS["contracts"] if each["type"] == "layers")["layers"]
    named = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    assert named >= PACKAGES


@pytest.mark.parametrize("package", ["channels", "logistics"])
def test_canonical_types_import_nothing_of_ours_but_values(package):
    files = [*(ROOT / package).glob("canonical.py"), *(ROOT / package / "canonical").glob("*.py")]
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                ours = name.split(".")[0] in PACKAGES and not name.startswith(f"{package}.canonical")
                assert not ours or name == "core.values", f"{file.relative_to(ROOT)} imports {name}"


def test_no_package_is_named_after_nothing():
    banned = {"utils.py", "helpers.py", "common.py", "managers.py"}
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.name in banned]
    assert found == []
