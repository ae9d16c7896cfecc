"""What a tenant may choose, as a pydantic model whose fields are one tenant setting each."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db import transaction
from pydantic import BaseModel, ConfigDict, ValidationError

from core import settings_store
from core.errors import BusinessError
from core.permissions import Actor


class Options(BaseModel):
    """``STORED``: {field: name of its setting} of those that are stored under another name than their own."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)
    STORED: ClassVar[dict[str, str]] = {}

    @classmethod
    def stored(cls, field: str) -> str:
        return cls.STORED.get(field, field)


Chosen = TypeVar("Chosen", bound=Options)


def current(model: type[Chosen]) -> Chosen:
    """What this tenant has chosen, the model's defaults otherwise. One query."""
    with settings_store.remembered():
        given = {name: settings_store.get(model.stored(name)) for name in model.model_fields}
    return model.model_validate({name: value for name, value in given.items() if value is not None})


@transaction.atomic
def change(model: type[Chosen], *, actor: Actor, **values: Any) -> Chosen:
    """Set some of the options. What is as it was leaves no entry in the trail.

    Raises NotAllowed, BusinessError ``setting.bad`` (fields: names, comma-separated).
    """
    actor.require(settings_store.CHANGE)
    settings_store.alone(model.__name__)
    before = current(model)
    try:
        after = model.model_validate(before.model_dump() | values)
    except ValidationError as error:
        fields = sorted({str(one["loc"][0]) for one in error.errors()})
        raise BusinessError("setting.bad", fields=", ".join(fields)) from None
    for name, value in after.model_dump().items():
        if value != getattr(before, name):
            settings_store.put(actor, model.stored(name), value)
    return after
