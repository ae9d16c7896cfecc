"""The tenant's settings for restocking: read from and written to one tenant setting."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core import settings_store
from core.errors import BusinessError
from core.permissions import Actor
from fba import permissions
from inventory.demand import CoverSettings, LeadTime, PositionSettings, VelocitySettings
from inventory.demand.position import DEFAULT_SWITCHES, NEVER

NAME = "fba.restock"


class Options(BaseModel):
    """Days, factors and what counts. Drawn as the settings form; stored with each run."""

    model_config = ConfigDict(extra="ignore")

    weight_7: float = Field(default=0.2, ge=0, le=1, title="Weight of the last 7 days")
    weight_30: float = Field(default=0.3, ge=0, le=1, title="Weight of the last 30 days")
    weight_90: float = Field(default=0.5, ge=0, le=1, title="Weight of the last 90 days")
    correct_stockouts: bool = Field(default=True, title="Leave days without stock out of the average")
    uplift_cap: float = Field(
        default=2.0, ge=1, le=10, title="Days without stock may raise the average at most so many times"
    )
    review_days: float = Field(default=7, ge=0, le=90, title="Days between two orders")
    safety_days: float = Field(default=14, ge=0, le=180, title="Days of safety stock")
    service_level: float | None = Field(default=None, gt=0.5, lt=1, title="Service level in place of safety days")
    domestic_days: float = Field(default=3, ge=0, le=90, title="Days from the supplier to the forwarder")
    head_haul_days: float = Field(default=30, ge=0, le=180, title="Days of the journey to the platform's warehouse")
    receiving_days: float = Field(default=7, ge=0, le=90, title="Days until the platform has received it")
    count_working: bool = Field(default=False, title="Count inbound plans that have not left yet")

    @field_validator("weight_90")
    @classmethod
    def _some_weight(cls, value: float, info: Any) -> float:
        if value + info.data.get("weight_7", 0) + info.data.get("weight_30", 0) <= 0:
            raise ValueError("one weight at least")
        return value

    def velocity(self) -> VelocitySettings:
        return VelocitySettings(
            weights={7: self.weight_7, 30: self.weight_30, 90: self.weight_90},
            correct_stockouts=self.correct_stockouts,
            uplift_cap=self.uplift_cap,
        )

    def cover(self) -> CoverSettings:
        return CoverSettings(
            review_days=self.review_days, safety_days=self.safety_days, service_level=self.service_level
        )

    def position(self) -> PositionSettings:
        switches = {**DEFAULT_SWITCHES, "inbound_working": self.count_working}
        return PositionSettings({code: on for code, on in switches.items() if code not in NEVER})

    def to_platform(self) -> LeadTime:
        stages = [
            ("domestic", self.domestic_days),
            ("head_haul", self.head_haul_days),
            ("receiving", self.receiving_days),
        ]
        return LeadTime(stages)

    def bought(self, lead_days: int, *, for_platform: bool) -> LeadTime:
        """From order to shelf: the SKU's own lead time, then the way to the platform where it goes there."""
        onward = list(self.to_platform().stages) if for_platform else []
        return LeadTime([("production", float(lead_days)), *onward])


def current() -> Options:
    return Options.model_validate(settings_store.get(NAME, {}))


@transaction.atomic
def change(*, actor: Actor, **values: Any) -> Options:
    """Set some of the options; the next run uses them. Raises BusinessError ``restock.bad_setting`` (fields)."""
    actor.require(permissions.SETTINGS)
    settings_store.alone(NAME)
    try:
        options = Options.model_validate(current().model_dump() | values)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})
        raise BusinessError("restock.bad_setting", fields=", ".join(fields)) from None
    settings_store.put(actor, NAME, options.model_dump())
    return options
