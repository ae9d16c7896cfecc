"""Reorder mathematics against the worked examples (restock facts §4, by their numbers) and at its edges."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.demand import (
    Arrival,
    Claim,
    CoverSettings,
    Demand,
    LeadTime,
    Packing,
    PositionSettings,
    Request,
    Route,
    Stock,
    Term,
    VelocitySettings,
    Window,
    cheapest_in_time,
    days_of_supply,
    fair_shares,
    newsvendor,
    normal_safety,
    poisson_quantile,
    position,
    project,
    rolling_sigma,
    suggest,
    velocity,
    windows,
    z_value,
)
from inventory.demand.intermittent import adida, croston, demand_class, imapa, sba, ses, tsb

TODAY = date(2026, 3, 2)


def stocked(days, sold):
    return Window(days, sold, days, days)


def sold_daily(value):
    return Term("velocity", value, "units/day", "sales")


def test_example_1_weighted_velocity():
    sold = {3: 15, 7: 42, 14: 70, 30: 150, 60: 270, 90: 360}
    weights = {3: 0.2, 7: 0.2, 14: 0.2, 30: 0.2, 60: 0.1, 90: 0.1}
    term = velocity([stocked(*window) for window in sold.items()], VelocitySettings(weights))
    assert term.number == pytest.approx(5.05)
    parts = [part.number for part in term.inputs[0].inputs]
    assert parts == [5, 6, 5, 5, 4.5, 4]


EXAMPLE_2 = Request(
    today=TODAY,
    velocity=sold_daily(5.05),
    stock=Stock(
        {"available": 80, "fc_transfer": 10, "customer_reserve": 6, "local_free": 40},
        [Arrival(10, 60, "inbound_shipped", "FBA1")],
    ),
    buy_lead=LeadTime((("purchase", 10), ("production", 15), ("head_haul", 15), ("receiving", 5))),
    buy_packing=Packing(moq=100, carton=24),
)


def test_example_2_quantity_and_reorder_point():
    suggestion = suggest(EXAMPLE_2)
    buy = suggestion.buy
    assert buy.order_up_to.number == pytest.approx(333.3)
    assert buy.position.number == 190
    assert buy.raw.number == pytest.approx(143.3)
    assert buy.reorder_point.number == pytest.approx(297.95)
    assert buy.quantity == 144 and buy.steps[-1].params["cartons"] == 6
    assert buy.due and suggestion.send is None
    reserve = buy.position.find("position.customer_reserve")
    assert reserve.value == 6 and not reserve.counted  # shown, never counted
    assert buy.order_up_to.find("lead_time").number == 45


def test_example_3_stock_out_day_and_what_is_lost():
    demand = Demand(5.05)
    assert project(90, demand, [], 60).stock_out == pytest.approx(17.82, abs=0.01)
    assert project(90, demand, [(10, 60)], 60).stock_out == pytest.approx(29.70, abs=0.01)
    assert project(130, demand, [(10, 60)], 60).stock_out == pytest.approx(37.62, abs=0.01)
    suggestion = suggest(EXAMPLE_2)
    assert suggestion.state == "late"
    assert suggestion.lost_days.number == pytest.approx(7.4, abs=0.03)
    assert suggestion.lost_units.number == pytest.approx(37.25, abs=0.01)
    assert suggestion.stock_out.value == date(2026, 4, 8)  # 37 days from today
    assert suggestion.latest_order.value == date(2026, 2, 22) and suggestion.latest_order.params["overdue"]
    routes = [Route("sea", 45, Decimal("0.80")), Route("rail", 30, Decimal("1.90")), Route("air", 9, Decimal("6.00"))]
    assert cheapest_in_time(routes, suggestion.projection.stock_out) == routes[1]
    assert cheapest_in_time(routes, 5) is None and cheapest_in_time(routes, None) == routes[0]


def test_example_4_days_without_stock_are_left_out():
    settings = VelocitySettings({30: 1.0})
    assert velocity([Window(30, 120, 20, 30)], settings).number == 6.0
    assert velocity([Window(30, 120, 20, 30)], VelocitySettings({30: 1.0}, correct_stockouts=False)).number == 4.0
    capped = velocity([Window(30, 120, 5, 30)], settings)
    assert capped.number == 8.0 and capped.find("window.uncapped").number == 24.0


def test_example_5_a_new_product_is_shrunk_to_its_family():
    term = velocity([Window(30, 27, 9, 9)], VelocitySettings({30: 1.0}), family_mean=2.0)
    assert term.number == pytest.approx(2.391, abs=0.001) and term.params["shrunk"]
    assert term.find("velocity.weighted").number == 3.0
    assert velocity([Window(30, 27, 9, 9)], VelocitySettings({30: 1.0})).number == 3.0
    old = velocity([stocked(30, 90)], VelocitySettings({30: 1.0}), family_mean=2.0)
    assert old.number == 3.0 and "shrunk" not in old.params


def test_example_6_slow_items_use_poisson():
    assert (poisson_quantile(10.4, 0.95), poisson_quantile(10.4, 0.98)) == (16, 18)
    assert 10.4 + z_value(0.95) * 10.4**0.5 == pytest.approx(15.7, abs=0.01)
    request = Request(
        TODAY,
        sold_daily(0.2),
        Stock({"available": 3}),
        LeadTime((("head_haul", 45),)),
        cover=CoverSettings(review_days=7, service_level=0.95),
    )
    buy = suggest(request).buy
    assert buy.order_up_to.number == pytest.approx(16) and buy.quantity == 13
    assert buy.order_up_to.find("safety").params["method"] == "poisson"
    assert buy.reorder_point.number == pytest.approx(poisson_quantile(9.0, 0.95))


def test_example_7_normal_safety_stock():
    assert normal_safety(1.645, 3, 45, 5.05, 6) == pytest.approx(59.8, abs=0.05)
    assert normal_safety(1.645, 3, 45, 5.05) == pytest.approx(33.1, abs=0.05)
    request = Request(
        TODAY,
        sold_daily(5.05),
        Stock({"available": 50}),
        LeadTime((("head_haul", 45),), sigma_days=6),
        cover=CoverSettings(review_days=0, service_level=0.95, sigma_day=3),
    )
    safety = suggest(request).buy.reorder_point.find("safety")
    assert safety.number == pytest.approx(59.8, abs=0.05) and safety.params["method"] == "normal"


def test_example_8_newsvendor():
    ratio, z, quantity = newsvendor(8, 3, 260, 60)
    assert (round(ratio, 3), round(z, 3), round(quantity, 1)) == (0.727, 0.605, 296.3)


def test_example_9_season():
    request = Request(
        TODAY,
        EXAMPLE_2.velocity,
        EXAMPLE_2.stock,
        EXAMPLE_2.buy_lead,
        buy_packing=EXAMPLE_2.buy_packing,
        demand=Demand(5.05, factor=1.35),
    )
    buy = suggest(request).buy
    assert buy.raw.number == pytest.approx(259.955) and buy.quantity == 264
    by_day = Request(
        TODAY,
        EXAMPLE_2.velocity,
        EXAMPLE_2.stock,
        EXAMPLE_2.buy_lead,
        demand=Demand(5.05, factors=dict.fromkeys(range(100), 1.35)),
    )
    assert suggest(by_day).buy.raw.number == pytest.approx(259.955)


def test_example_10_fair_shares():
    shares = fair_shares(300, [Claim("A", 10, 30), Claim("B", 5, 50), Claim("C", 2, 60)])
    assert shares.cover_days == pytest.approx(25.33, abs=0.01)
    assert {key: round(share, 1) for key, share in shares.exact.items()} == {"A": 223.3, "B": 76.7, "C": 0.0}
    assert shares.units == {"A": 223, "B": 77, "C": 0}


SERIES = [0, 0, 3, 0, 0, 0, 2, 0, 4, 0]


def test_examples_11_and_12_intermittent_demand():
    values = [croston(SERIES), sba(SERIES), tsb(SERIES), ses(SERIES), adida(SERIES), imapa(SERIES)]
    assert [round(value, 4) for value in values] == [1.0067, 0.9564, 0.6343, 0.6493, 1.0033, 0.9157]
    kind, adi, cv2 = demand_class(SERIES)
    assert kind == "intermittent" and adi == pytest.approx(10 / 3) and cv2 == pytest.approx(1 / 9)
    assert demand_class([5, 5, 6, 5])[0] == "smooth" and demand_class([1, 9, 1, 20])[0] == "erratic"
    assert demand_class([0, 1, 0, 0, 30, 0, 0, 2])[0] == "lumpy" and demand_class([0, 0]) == ("none", None, None)
    assert croston([0, 0]) == tsb([]) == ses([]) == adida([0]) == imapa([]) == 0.0


def test_example_13_days_of_supply():
    assert days_of_supply(100, 5) == 20 and days_of_supply(150, 4.2) == pytest.approx(35.7, abs=0.02)
    assert days_of_supply(5, 0) is None


def test_windows_from_daily_history_and_dropping_of_empty_ones():
    sold = [2] * 20 + [0] * 9 + [4]
    in_stock = [True] * 20 + [False] * 10
    made = windows(sold, in_stock, [7, 30, 90])
    assert made == [Window(7, 4, 1, 7), Window(30, 44, 21, 30), Window(90, 44, 21, 30)]  # what sold had stock
    term = velocity(made, VelocitySettings({7: 0.5, 30: 0.3, 90: 0.2}))
    week = term.find("velocity.window")
    assert week.params["dropped"] and not week.counted and week.value is None
    assert term.number == pytest.approx(44 / 21)  # the weights of the others take its share
    assert velocity([Window(7, 0, 0, 7)], VelocitySettings({7: 1})).params == {"no_data": True}
    assert velocity([Window(7, 0, 0, 0)], VelocitySettings({7: 1}), family_mean=1.5).number == 1.5
    with pytest.raises(ValueError):
        windows([1], [], [7])
    with pytest.raises(ValueError, match="90"):
        velocity([stocked(7, 1)], VelocitySettings({7: 1, 90: 1}))
    for bad in ({}, {0: 1}, {7: -1}, {7: 0}):
        with pytest.raises(ValueError):
            VelocitySettings(bad)


def test_every_part_of_the_position_can_be_switched():
    parts = {
        "available": 1, "fc_transfer": 2, "fc_processing": 4, "inbound_shipped": 8, "inbound_receiving": 16,
        "inbound_working": 32, "local_free": 64, "overseas": 128, "open_po": 256, "unfulfillable": 512, "customer_reserve": 1024,
    }  # fmt: skip
    everything = position(Stock(parts), 30, PositionSettings())
    assert everything.number == 511 - 32
    for code, units in parts.items():
        switched = position(Stock(parts), 30, PositionSettings({code: True}) if units < 512 else PositionSettings({}))
        assert switched.number == (units if units < 512 else 0)
        assert len(switched.inputs) == len(parts)  # all are shown
    with pytest.raises(ValueError, match="unfulfillable"):
        PositionSettings({"unfulfillable": True})
    with pytest.raises(ValueError, match="attic"):
        position(Stock({"attic": 1}), 30, PositionSettings())


def test_lots_count_when_they_come_in_time_and_really():
    lots = [
        Arrival(10, 1, "open_po"),
        Arrival(40, 2, "open_po"),  # beyond the horizon
        Arrival(5, 4, "open_po", cancelled=True),
        Arrival(-3, 8, "open_po"),  # late, but whole
        Arrival(-3, 16, "open_po", open_share=0.04),  # the rest of a lot that nobody will send
    ]
    assert position(Stock({}, lots), 30, PositionSettings()).number == 9


def test_send_and_buy_are_two_answers():
    stock = Stock({"available": 20, "inbound_shipped": 30, "local_free": 25}, [Arrival(20, 500, "open_po", "PO7")])
    suggestion = suggest(
        Request(
            TODAY,
            sold_daily(5.0),
            stock,
            buy_lead=LeadTime((("production", 30), ("head_haul", 20))),
            send_lead=LeadTime((("head_haul", 20), ("receiving", 5))),
            send_packing=Packing(carton=10),
        )
    )
    send, buy = suggestion.send, suggestion.buy
    assert send is not None
    assert send.position.number == 50 and send.order_up_to.number == 5 * (25 + 7 + 14)
    assert send.quantity == 20 and send.steps[-1].params == {"cap": "free_stock"}  # 25 free units are two cartons of 10
    assert buy.position.number == 575 and buy.quantity == 0 and buy.raw.number == 0 and buy.steps == ()
    assert suggestion.state == "late"  # 75 units last 15 days, the order comes on day 20
    assert suggestion.lost_units.number == pytest.approx(25)
    text = json.dumps(suggestion.to_json())
    assert '"code": "position.open_po"' in text and '"free_stock"' in text


@pytest.mark.parametrize(
    ("packing", "quantity", "last"),
    [
        (Packing(), 144, "step.carton"),
        (Packing(moq=500, carton=24), 504, "step.carton"),
        (Packing(carton=24, caps=[("capacity", 100)]), 96, "step.cap"),
        (Packing(carton=24, caps=[("budget", 120), ("capacity", 100)]), 96, "step.cap"),
        (Packing(moq=100, carton=24, caps=[("capacity", 99)]), 0, "step.cap_below_moq"),
        (Packing(carton=24, max_days=50), 48, "step.cap"),  # 252.5 units less the 190 there are
    ],
)
def test_moq_carton_and_caps_one_after_the_other(packing, quantity, last):
    request = Request(TODAY, EXAMPLE_2.velocity, EXAMPLE_2.stock, EXAMPLE_2.buy_lead, buy_packing=packing)
    buy = suggest(request).buy
    assert (buy.quantity, buy.steps[-1].code) == (quantity, last)


def test_whole_cartons_are_not_rounded_up_by_a_float_hair():
    request = Request(
        TODAY, sold_daily(0.1), Stock({}), LeadTime((("all", 20),)), cover=CoverSettings(review_days=10, safety_days=0)
    )
    assert suggest(request).buy.quantity == 3  # 0.1 x 30 = 3.0000000000000004


def test_states():
    def state(per_day, **parts):
        return suggest(Request(TODAY, sold_daily(per_day), Stock(parts), LeadTime((("all", 20),)))).state

    assert state(0.0, local_free=5) == "no_demand"
    assert state(1.0, local_free=0) == "out"
    assert state(1.0, local_free=10) == "late"
    assert state(1.0, local_free=30) == "order"
    assert state(1.0, local_free=50) == "ok"
    assert state(1.0, local_free=100) == "excess"


def test_projection_knows_gaps_planned_days_and_its_limits():
    gap = project(5, Demand(1.0), [(8, 10)], 20)
    assert gap.stock_out == 5 and gap.lost_units == pytest.approx(3 + 2) and gap.lost_days == pytest.approx(5)
    assert gap.days[8].arriving == 10 and gap.days[8].end == 9
    event = Demand(1.0, overrides={2: 50.0}, factors={3: 0.0})
    assert [event.on(day) for day in range(5)] == [1, 1, 50, 0, 1]
    assert event.over(3.5) == 52 and event.over(2.5) == 27
    assert project(0, Demand(0.0), [], 10).stock_out is None
    assert project(4, Demand(1.0), [(-5, 6)], 30).stock_out == 10
    with pytest.raises(ValueError):
        project(1, Demand(1.0), [], 100_000)


def test_rolling_sigma_sees_the_weekly_rhythm():
    weekly = [7, 0, 0, 0, 0, 0, 0] * 20
    assert rolling_sigma(weekly, 7) == 0.0  # every week is the same, whatever its days do
    assert rolling_sigma([1, 3, 1, 3], 1) == pytest.approx(1.1547, abs=1e-4)
    assert rolling_sigma([1, 2], 2) is None


@given(st.floats(0, 2000), st.floats(0.5, 0.999))
def test_poisson_quantile_is_the_first_that_covers(mean, service):
    units = poisson_quantile(mean, service)
    assert units >= 0
    if mean > 50:
        assert units == pytest.approx(mean + z_value(service) * mean**0.5, abs=3 + mean**0.5 * 0.2)
    assert poisson_quantile(mean, min(0.9995, service + 0.0005)) >= units


@given(
    st.integers(0, 5000),
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 500)), min_size=1, max_size=8),
)
def test_fair_shares_spend_the_supply_and_level_the_cover(supply, claims):
    made = [Claim(str(index), round(per_day, 3), round(have)) for index, (per_day, have) in enumerate(claims)]
    shares = fair_shares(supply, made)
    asking = [claim for claim in made if claim.per_day > 0]
    assert sum(shares.units.values()) == (supply if asking else 0)
    for claim in asking:
        assert shares.units[claim.key] >= 0
        reached = (claim.have + shares.exact[claim.key]) / claim.per_day
        assert reached == pytest.approx(max(shares.cover_days, claim.have / claim.per_day), rel=1e-6)


@given(
    st.floats(0, 100),
    st.integers(0, 2000),
    st.integers(1, 60),
    st.integers(0, 500),
    st.floats(0, 120),
)
def test_a_suggestion_lifts_the_position_to_its_level_and_not_a_carton_more(per_day, held, carton, moq, lead):
    request = Request(
        TODAY,
        sold_daily(per_day),
        Stock({"available": held}),
        LeadTime((("all", lead),)),
        buy_packing=Packing(moq=moq, carton=carton),
    )
    buy = suggest(request).buy
    assert buy.quantity % carton == 0
    level = buy.order_up_to.number
    assert buy.quantity + held >= level - 0.001
    if buy.quantity:
        assert buy.quantity < max(level - held, moq) + carton
    else:
        assert held >= level - 0.001
    assert buy.reorder_point.number <= level + 0.001


def test_a_stock_that_outlasts_the_projection_has_no_stock_out_day():
    slow = suggest(Request(TODAY, sold_daily(0.001), Stock({"available": 500}), LeadTime((("all", 10),))))
    assert slow.stock_out.value is None and slow.stock_out.params == {"beyond_days": 730}
    assert slow.latest_order.value is None and slow.lost_units.number == 0
