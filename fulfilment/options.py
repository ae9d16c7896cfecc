"""What the tenant wants of weighing, and the page's one act over that and the options of booking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from django.db import transaction
from pydantic import Field

from core import options, settings_store
from core.options import Options
from core.permissions import Actor
from orders.options import BookingOptions


class WeighingOptions(Options):
    """A weight is as expected within the larger of both tolerances (grams; percent of what was expected)."""

    STORED: ClassVar[dict[str, str]] = {
        "tolerance_g": "weigh_tolerance_g",
        "tolerance_percent": "weigh_tolerance_percent",
        "must_weigh": "weigh_before_handover",
    }

    tolerance_g: Annotated[int, Field(ge=0, le=5_000)] = 20
    tolerance_percent: Annotated[float, Field(ge=0, le=100)] = 5
    must_weigh: bool = False


@transaction.atomic
def choose(*, actor: Actor, booking: Mapping[str, Any], weighing: Mapping[str, Any]) -> None:
    """Both or nothing. Raises NotAllowed, BusinessError ``setting.bad`` (fields)."""
    options.change(BookingOptions, actor=actor, **booking)
    options.change(WeighingOptions, actor=actor, **weighing)


def chosen() -> dict[str, Any]:
    """{option: value} of booking and weighing."""
    with settings_store.remembered():
        return options.current(BookingOptions).model_dump() | options.current(WeighingOptions).model_dump()
