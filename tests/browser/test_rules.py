"""Rules in a real browser: a nested rule built by keyboard alone, tried on orders, published; dragging, undo, phone, axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.central import outbox
from inventory.models import Sku
from logistics.models import CarrierAccount, Service
from orders.models import Order, RuleSet, RuleTrial
from orders.services import rule_edits, rules
from tests.browser import axe
from tests.browser.conftest import PHONE, Visit
from tests.orders.conftest import ACTOR

pytestmark = pytest.mark.browser
GERMANY = {"field": "country", "op": "in", "value": ["DE", "FR"]}
NESTED = {
    "all": [
        GERMANY,
        {
            "any": [
                {"field": "weight_g", "op": "lte", "value": 500},
                {"not": {"field": "battery", "op": "eq", "value": True}},
            ]
        },
        {"field": "sku", "op": "in", "value": ["LAMP", "CUP"], "lines": "all"},
        {
            "field": "total",
            "op": "between",
            "value": [{"amount": "5", "currency": "EUR"}, {"amount": "90", "currency": "EUR"}],
        },
    ]
}


@pytest.fixture
def shop(visit: Visit) -> Visit:
    with visit.house.inside():
        carrier = CarrierAccount.objects.get()
        Service.objects.create(carrier_account=carrier, code="P", key="post", name="Deutsche Post", name_zh="德国邮政")
        Sku.objects.update(tags=["fragile", "led"])
    return visit


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.name || document.activeElement.innerText"
        )
    )


def tab_to(page: Page, wanted: str, most: int = 40) -> None:
    """Press Tab until the element of that name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).strip() == wanted:
            return
    raise AssertionError(f"Tab never came to {wanted!r}, last {focused(page)!r}")


def test_a_nested_rule_by_keyboard_alone_tried_and_published(shop: Visit) -> None:
    page = shop.page
    shop.open("/orders/rules/")
    page.locator(".head-acts a", has_text="New rule").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/new")
    keys = page.keyboard
    keys.type("Light to Europe")  # the name has the focus
    tab_to(page, "Condition")
    keys.press("Enter")
    assert focused(page) == "What to look at"
    keys.type("country")
    page.keyboard.press("Tab")  # the comparison
    assert focused(page) == "Comparison"
    keys.type("in")
    expect(page.locator(".rb [role=combobox]")).to_be_visible()
    tab_to(page, "Value")
    keys.type("germ")
    keys.press("Enter")
    keys.type("fr,")
    expect(page.locator(".rb-chip")).to_have_text(["DE · Germany", "FR · France"])
    # a group within the group
    tab_to(page, "Group")
    keys.press("Enter")
    assert focused(page) == "How the conditions of this group count"
    tab_to(page, "What to look at")
    keys.type("goods weight")
    page.keyboard.press("Tab")
    for _ in range(5):  # =, ≠, >, ≥, <, ≤
        keys.press("ArrowDown")
    tab_to(page, "Value")
    keys.type("abc")
    tab_to(page, "Condition")
    keys.press("Enter")
    keys.type("battery")
    expect(page.locator(".rb-any .rb-leaf")).to_have_count(2)
    # Alt+↑ moves the condition up, within its group
    keys.press("Alt+ArrowUp")
    expect(page.locator(".rb-any .rb-leaf").first.locator("select").first).to_have_value("battery")
    keys.press("Alt+ArrowDown")
    page.locator("[name=do_service]").focus()
    keys.type("Deutsche")
    page.locator("button:has-text('Save in the draft')").focus()
    keys.press("Enter")
    # refused: all is there as typed, and the sentence stands at the very condition
    expect(page.locator(".rb .error:not(:empty)")).to_have_text(["Write a number, for example 12.5."])
    expect(page.locator("[name=name]")).to_have_value("Light to Europe")
    expect(page.locator(".rb-chip")).to_have_count(2)
    expect(page.locator("[name=do_service]")).to_have_value("post")
    wrong = page.locator(".rb-any input[aria-invalid=true]")
    expect(wrong).to_have_value("abc")
    wrong.focus()
    keys.press("Control+A")
    keys.type("500")
    expect(page.locator(".rb .error:not(:empty)")).to_have_count(0)
    page.locator("[data-builder-check]").focus()
    keys.press("Enter")
    expect(page.locator("[data-builder-status]")).to_contain_text("Holds for 4 of the 7 newest orders.")
    page.locator("[name=name]").focus()
    keys.press("Enter")
    page.wait_for_url("**/orders/rules/")
    expect(page.locator(".rule-name").first).to_contain_text("Light to Europe")
    expect(page.locator(".rule-if").first).to_contain_text(
        "country in DE, FR · (goods weight ≤ 500 g or battery = yes)"
    )

    # try it
    page.locator(".draft-bar a:has-text('Try')").focus()
    keys.press("Enter")
    page.wait_for_url("**/rules/try/")
    page.locator("main button[type=submit]").focus()
    keys.press("Enter")
    page.wait_for_url("**/rules/try/*/")
    with shop.house.inside():
        outbox.drain()
        trial = RuleTrial.objects.get()
        assert trial.changed == trial.figures["kinds"]["service"] > 0
        standing = dict(Order.objects.values_list("pk", "service_id"))
    expect(page.locator(".trial-tiles .tile").first).to_contain_text(str(trial.changed))
    page.locator(".trial-rows a:has-text('Why')").first.focus()
    keys.press("Enter")
    page.wait_for_url("**/rules/why/**")
    expect(page.locator("main")).to_contain_text("It would go another way: other service")

    # publish it
    shop.open("/orders/rules/")
    page.locator("button:has-text('Publish…')").focus()
    keys.press("Enter")
    keys.press("Tab")
    page.locator("#publish [name=note]").focus()
    keys.type("first try")
    keys.press("Enter")
    page.wait_for_url("**/rules/versions/2/")
    with shop.house.inside():
        assert RuleSet.objects.get(version=2).note == "first try"
        assert rules.compiled().version_id == "2"
        assert (
            dict(Order.objects.values_list("pk", "service_id")) == standing
        )  # nothing was touched by trying or publishing
        outbox.drain()
    expect(page.locator("main")).to_contain_text("would go another way than they were decided")
    assert [said for said in shop.complaints if "422" not in said] == []  # the browser itself reports the refusal


def test_order_by_mouse_and_keyboard_and_undo(shop: Visit) -> None:
    page = shop.page
    with shop.house.inside():
        for name in ("A", "B", "C"):
            rule_edits.save(
                actor=ACTOR, rule={"name": name, "conditions": GERMANY, "actions": [{"do": "tag", "value": name}]}
            )
    shop.open("/orders/rules/")
    named = page.locator(".rule-name a")
    expect(named).to_have_text(["A", "B", "C", "All"])
    page.locator(".grip").nth(0).drag_to(page.locator(".rule-row").nth(2), target_position={"x": 300, "y": 50})
    expect(named).to_have_text(["B", "C", "A", "All"])
    page.locator(".rule-row", has_text="tag: B").locator("[data-down]").focus()
    page.keyboard.press("Enter")
    expect(named).to_have_text(["C", "B", "A", "All"])
    assert focused(page) == "B: down"  # the focus went along
    page.keyboard.press("Alt+ArrowUp")
    expect(named).to_have_text(["B", "C", "A", "All"])
    page.locator("[aria-label='C: remove']").click()
    expect(named).to_have_text(["B", "A", "All"])
    page.click("#undo")
    expect(named).to_have_text(["B", "C", "A", "All"])
    page.click("[aria-label='C: on']")
    expect(page.locator("[aria-label='C: on']")).to_have_attribute("aria-checked", "false")
    page.click("button:has-text('Throw away…')")
    page.click("#discard button[type=submit]")
    expect(named).to_have_text(["All"])
    assert not shop.complaints


def test_a_rule_comes_back_from_the_editor_as_it_was(shop: Visit) -> None:
    """Opening and saving changes nothing, with every kind of condition in it."""
    page = shop.page
    every = {
        "any": [
            NESTED,
            {"not": {"any": [GERMANY, {"field": "note", "op": "matches_any", "value": ["gift", "礼物"]}]}},
            {"not": {"all": [{"field": "units", "op": "between", "value": [2, 5]}, {"field": "city", "op": "is_set"}]}},
            {"field": "sku_tags", "op": "contains", "value": "led"},
            {"field": "platform", "op": "ne", "value": "ebay"},
            {"field": "title", "op": "contains", "value": "Lamp", "lines": "any"},
            {"field": "repeat_buyer", "op": "eq", "value": False},
        ]
    }
    with shop.house.inside():
        pk = rule_edits.save(
            actor=ACTOR, rule={"name": "Every", "conditions": every, "actions": [{"do": "hold", "value": "x"}]}
        )
        bare = rule_edits.save(
            actor=ACTOR, rule={"name": "Bare", "conditions": GERMANY, "actions": [{"do": "tag", "value": ["t"]}]}
        )
    for rule_id in (pk, bare):
        shop.open(f"/orders/rules/rule/{rule_id}/")
        page.click("button:has-text('Save in the draft')")
        page.wait_for_url("**/orders/rules/")
    with shop.house.inside():
        assert rule_edits.current().find(pk)["conditions"] == every
        assert rule_edits.current().find(bare)["conditions"] == GERMANY
    assert not shop.complaints


def test_a_phone_both_languages_and_nothing_bars_anybody(shop: Visit) -> None:
    page = shop.page
    with shop.house.inside():
        pk = rule_edits.save(
            actor=ACTOR,
            rule={
                "name": "Light to Europe",
                "note": "agreed with Li Na",
                "conditions": NESTED,
                "actions": [{"do": "service", "value": "post"}],
            },
        )
        from orders.services import rule_trials

        trial = rule_trials.start(actor=ACTOR, scope={"kind": "newest", "n": 100})
        outbox.drain()
        order = Order.objects.order_by("pk").first().pk
    paths = [
        "/orders/rules/", f"/orders/rules/rule/{pk}/", "/orders/rules/try/", f"/orders/rules/try/{trial.pk}/?show=all",
        f"/orders/rules/why/{order}/", "/orders/rules/versions/", "/orders/rules/versions/1/",
    ]  # fmt: skip
    found: list[str] = []
    for theme in ("light", "dark"):
        page.context.add_cookies([{"name": "theme", "value": theme, "url": shop.url}])
        for path in paths:
            shop.open(path)
            found += axe.faults(page, f"{theme} {path}")
    assert not found, "\n".join(found)
    page.context.add_cookies([{"name": "lang", "value": "zh-hans", "url": shop.url}])
    page.set_viewport_size(PHONE)
    for path in paths:
        shop.open(path)
        assert shop.width() == 390, path
    assert not shop.complaints
