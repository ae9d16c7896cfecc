"""Which codes the source stores: what is raised, recorded, or kept as a reason. Read from the syntax tree, not guessed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from config.launch.places import ROOT

APPS = ("core", "tenants", "inventory", "channels", "logistics", "orders", "fulfilment", "crm", "fba")
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
# Functions whose arguments hold codes (deep: in tuples, lists and conditional expressions too).
SAYING = {
    "record",
    "record_many",
    "_record",
    "stop",
    "fail",
    "say",
    "words",
    "Reaction",
    "set_health",
    "write_health",
    "start",
}
KEYWORDS = {"code", "entry", "reason", "reason_code", "title_code", "why", "error_code", "health_code"}
# Permissions, events, jobs and module names look alike; these functions take them.
NAMING = {
    "operation",
    "on",
    "emit",
    "emit_many",
    "due_job",
    "job",
    "setup_step",
    "reverse",
    "path",
    "include",
    "import_module",
    "register",
}
# Variables of message templates look like codes; and what is a path or a salt.
NO_CODES = {"crm/variables.py"}
NOT_CODES = {"order.packages", "tenants.entry_pass", "tenants.see_members", "tenants.manage_members"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"migrations", "words"} & set(path.relative_to(ROOT).parts):
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _error_classes(trees: list[ast.Module]) -> set[str]:
    """Names of all classes below SampanError."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"SampanError"}
    while more := {name for name, above in bases.items() if above & known} - known:
        known |= more
    return known


def _strings(node: ast.AST, deep: bool = False) -> Iterator[str]:
    """Codes written inside an expression, but not the names in calls that take other names; ``deep``: in dicts too."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
        yield node.value
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and _name(node.func) in NAMING):
        return
    if isinstance(node, ast.Dict) and not deep:
        return  # parameters
    for child in ast.iter_child_nodes(node):
        yield from _strings(child, deep)


def stored() -> dict[str, str]:
    """{code: the file that uses it}. Beyond the places that are known to take codes, every text of a known family counts."""
    pairs = list(sources())
    errors = _error_classes([tree for _, tree in pairs])
    found: dict[str, str] = {}
    for path, tree in pairs:
        where = str(path.relative_to(ROOT))
        for node in ast.walk(tree):
            for code in _codes(node, errors):
                found.setdefault(code, where)
    families = {code.partition(".")[0] for code in found}
    for path, tree in pairs:
        where = str(path.relative_to(ROOT))
        if where in NO_CODES:
            continue
        for code in _strings(tree, deep=True):
            if code.partition(".")[0] in families and code not in NOT_CODES:
                found.setdefault(code, where)
    return found


def _codes(node: ast.AST, errors: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = _name(node.func)
        if name in NAMING:
            return
        if name in errors and node.args:
            yield from _strings(node.args[0])
        if name in SAYING:
            for argument in node.args:
                yield from _strings(argument)
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS:
                yield from _strings(keyword.value)
    elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        yield from _strings(node.exc.args[0])
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
        yield from _strings(node.elts[0])
    elif isinstance(node, ast.ClassDef) and node.name in errors:
        for line in node.body:
            if isinstance(line, ast.Assign) and _name(line.targets[0]) == "code":
                yield from _strings(line.value)
    elif isinstance(node, ast.Assign):
        if any(_name(target) in KEYWORDS for target in node.targets):
            yield from _strings(node.value)
