"""What the page of one restock line shows, as it is and with other values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.permissions import Actor
from core.words import formats
from fba import queries, telling, whatif
from fba.models import RestockRun
from fba.options import Options
from fba.planning import URGENCY
from fba.tables import TONES
from fba.terms import pack, unpack
from fba.whatif import LIMITS, Values
from inventory.models import Sku


@dataclass(frozen=True, slots=True)
class Found:
    row: dict[str, Any]
    run: RestockRun
    options: Options
    former: Values
    carton: int


def load(actor: Actor, line_id: int) -> Found:
    """Raises NotAllowed; BusinessError ``restock.not_found``."""
    row = queries.line(actor, line_id)
    run = RestockRun.objects.get(pk=row["run_id"])
    options = Options.model_validate(run.settings)
    moq, carton = Sku.objects.values_list("moq", "carton").get(pk=row["sku_id"])
    return Found(row, run, options, whatif.present(row["terms"], options, moq if moq > 1 else 0), carton)


def shown(found: Found, chosen: Values) -> dict[str, Any]:
    """Context of the reckoned part: tiles, chart with its table, every term."""
    platform = found.row["account_id"] is not None
    made, request = whatif.reckon(
        found.row["terms"],
        found.options,
        found.run.day,
        chosen=chosen,
        former=found.former,
        carton=found.carton,
        platform=platform,
    )
    moved = chosen != found.former
    terms = unpack(pack(made)) if moved else found.row["terms"]
    urgency = URGENCY[made.state] if moved else found.row["urgency"]
    chart = whatif.chart(made, request)
    return {
        "row": found.row,
        "moved": moved,
        "urgency": urgency,
        "tone": TONES.get(urgency, "grey"),
        "quantity": made.buy.quantity if moved else found.row["buy"],
        "sending": (made.send.quantity if made.send else 0) if moved else found.row["send"],
        "buy": telling.advice(terms["buy"]),
        "send": telling.advice(terms["send"]) if terms["send"] else [],
        "point": list(telling.tell(terms["buy"]["reorder_point"])),
        "due": terms["buy"]["due"],
        "velocity": list(telling.tell(terms["velocity"])),
        "lead": list(telling.tell(terms["lead_time"])),
        "dates": [
            told
            for name in ("cover_days", "stock_out", "latest_order", "lost_days", "lost_units")
            for told in list(telling.tell(terms[name]))[:1]
        ],
        "chart": drawn(chart),
        "table": _table(chart),
    }


def drawn(chart: whatif.Chart) -> dict[str, Any]:
    """For ECharts: labels, lines, marks with their words."""
    lines: list[dict[str, Any]] = [
        {"name": _("if nothing is ordered"), "values": chart.nothing, "colour": "--chart-1"},
        {"name": _("if the suggestion is ordered today"), "values": chart.ordered, "colour": "--chart-3"},
    ]
    if chart.here:
        lines.append(
            {"name": _("without what is on its way"), "values": chart.here, "colour": "--chart-6", "dashed": True}
        )
    marks = [
        {"at": at, "name": name, "colour": colour}
        for at, name, colour in (
            (chart.order_by, _("order by"), "--chart-2"),
            (chart.out, _("sold out"), "--chart-5"),
            (chart.arrives, _("arrives"), "--chart-3"),
        )
        if at is not None
    ]
    return {
        "labels": [formats.day(day) for day in chart.days],
        "lines": lines,
        "marks": marks,
        "level": {"value": chart.safety, "name": _("safety stock")} if chart.safety else None,
    }


def _table(chart: whatif.Chart) -> list[tuple[str, float, float, float | None]]:
    """Every seventh day."""
    return [
        (formats.day(chart.days[n]), chart.nothing[n], chart.ordered[n], chart.here[n] if chart.here else None)
        for n in range(0, len(chart.days), 7)
    ]


def sliders(former: Values) -> list[dict[str, Any]]:
    """Name, words, range, step, the present value; the range holds the present value and something around it."""
    rows = (
        ("lead_days", _("Supplier's lead time"), _("days"), former.lead_days, 1, max(90, former.lead_days * 2)),
        (
            "cover_days",
            _("Cover wanted beyond the lead time"),
            _("days"),
            former.cover_days,
            1,
            max(90, former.cover_days * 2),
        ),
        ("growth", _("Coming sales against those measured"), "×", former.growth, 0.05, max(2.0, former.growth * 2)),
        ("moq", _("Least quantity to buy"), _("pcs"), former.moq, 10, max(500, former.moq * 3)),
    )
    return [
        {
            "name": name,
            "label": label,
            "unit": unit,
            "value": value,
            "step": step,
            "least": LIMITS[name][0],
            "most": min(most, LIMITS[name][1]),
        }
        for name, label, unit, value, step, most in rows
    ]
