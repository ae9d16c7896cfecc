"""All of /api/v1 with data that fits its description and data that does not, with two companies side by side.

Nothing may be found: no 5xx, every answer as described, what does not fit refused, what fits never called malformed, and
not a letter of the other company, nor a change in it. ``SAMPAN_FUZZ=200`` asks so many times per operation and kind of
data (the suite: a few); docs/api.md has the command.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from ninja import Schema
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from api.describing import description
from api.v1 import conversations, customers, goods, order_shapes, orders, places, restock, shipments, stock, work
from core.http import door
from core.tenancy import tenant_context
from inventory.models import Sku
from tests.api.conftest import Program, make, program
from tests.isolation import rows
from tests.support.database import ACME, BETA, back_to_public
from tests.support.network import barred

pytestmark = pytest.mark.django_db
MODULES = (conversations, customers, goods, order_shapes, orders, places, restock, shipments, stock, work)
TIMES = int(os.environ.get("SAMPAN_FUZZ", "4"))
REPORT = os.environ.get("API_REPORT", "")  # a file that gets a line of JSON for every operation; see tests/reports.py
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
]
# What a service may answer to a request that is well formed: never that it is malformed.
MALFORMED = ("api.invalid", "api.bad_request", "api.unknown_field", "api.bad_idempotency_key", "api.no_idempotency_key")
NUL = re.compile(r"%00|u0000|x00")
_marks = itertools.count(1)


def operations() -> dict[str, Any]:
    """{operation id: operation}; asked through the whole of Django, middleware and all."""
    schema = schemathesis.openapi.from_dict(description())
    schema.app = get_wsgi_application()
    found = [result.ok() for result in schema.get_all_operations()]
    return {one.definition.raw["operationId"]: one for one in found}


@pytest.fixture
def two(
    twins: Any, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Program, list[int]]]:
    """Both companies have a row of everything under the same keys; acme has a working house besides."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(door.budget, "_down_until", float("inf"))  # buckets in the process: the network is barred
    twins()
    for schema, mark in ((ACME, "of acme"), (BETA, "of beta")):
        rows.fill(schema, mark)
    with tenant_context(ACME):
        floor = make(ACME)
        ids = [*floor.orders, *floor.shipments, floor.talk.pk, rows.KEY, *Sku.objects.values_list("pk", flat=True)[:2]]
    mine = program(per_minute=6000)
    # As Django's own test client does: the end of a request would close the connection that holds the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with barred():
        yield mine, ids
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    back_to_public()


def probe(operation: Any, mode: GenerationMode, mine: Program, ids: list[int], answers: Counter[int]) -> None:
    """Ask one operation some times; ``answers`` counts them by status. What is found is raised."""
    chance = random.Random(operation.label)
    positive, writes = mode == GenerationMode.POSITIVE, operation.method.upper() != "GET"

    @settings(
        max_examples=TIMES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if positive and case.path_parameters and chance.random() < 0.7:  # otherwise nothing is ever there
            case.path_parameters = {key: chance.choice(ids) for key in case.path_parameters}
        if positive and isinstance(case.body, dict) and "ids" in case.body and chance.random() < 0.7:
            case.body["ids"] = chance.sample(ids, 2)
        headers = {"Authorization": f"Bearer {mine.secret}"}
        if writes and positive:
            headers["Idempotency-Key"] = f"fuzz-{next(_marks)}"
        with transaction.atomic():
            answer = case.call(base_url="http://acme.localhost", headers=headers)
            transaction.set_rollback(True)
        back_to_public()
        answers[answer.status_code] += 1
        door.budget._own.clear()
        assert b"of beta" not in answer.content
        case.validate_response(answer, checks=CHECKS)
        # No description can say that a text holds no NUL; everything else that fits it is well formed.
        if positive and answer.status_code >= 400 and not NUL.search(case.as_curl_command()):
            assert answer.json()["code"] not in MALFORMED, (answer.text, case.as_curl_command())

    try:
        ask()
    except Unsatisfiable:  # an operation without anything that could be wrong
        assert not positive


def test_nothing_is_found(two: tuple[Program, list[int]]) -> None:
    mine, ids = two
    before = rows.digest(BETA)
    found, asked = {}, 0
    for name, operation in operations().items():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            answers: Counter[int] = Counter()
            try:
                probe(operation, mode, mine, ids, answers)
            except BaseException as error:  # groups of failures are no Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                found[f"{name} {mode.value}"] = "".join(traceback.format_exception_only(error))[:1500]
            back_to_public()
            asked += answers.total()
            _report(operation, mode, answers, found.get(f"{name} {mode.value}", ""))
    assert not found, "\n\n".join(f"{name}:\n{text}" for name, text in found.items())
    assert asked > 36 * TIMES
    assert rows.digest(BETA) == before


def _report(operation: Any, mode: GenerationMode, answers: Counter[int], found: str) -> None:
    if REPORT:
        line = {
            "operation": operation.label,
            "data": mode.value,
            "answers": dict(sorted(answers.items())),
            "found": found,
        }
        with open(REPORT, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def test_every_shape_has_a_name_of_its_own() -> None:
    """Two of one name would be one in the description, and one of them wrong."""
    seen: dict[str, type] = {}
    for module in MODULES:
        for name, shape in vars(module).items():
            if isinstance(shape, type) and issubclass(shape, Schema):
                assert seen.setdefault(shape.__name__, shape) is shape, name


def test_the_checks_would_find_something(two: tuple[Program, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not as described is seen."""
    mine, _ids = two

    def check() -> None:
        case = operations()["get_me"].Case()
        answer = case.call(base_url="http://acme.localhost", headers={"Authorization": f"Bearer {mine.secret}"})
        case.validate_response(answer, checks=CHECKS)

    check()
    monkeypatch.setitem(description()["components"]["schemas"]["Me"]["properties"], "name", {"type": "integer"})
    with pytest.raises(BaseException, match="integer"):
        check()
