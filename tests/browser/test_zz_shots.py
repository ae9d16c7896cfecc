import os
import pytest
from tests.browser.conftest import PHONE, DESK, Visit
from tests.orders.conftest import ACTOR
from orders.services import people, acts, overrides, line_edits, booking
from orders.services.line_edits import Wanted
from orders.services.release import release
from orders.models import Order
pytestmark = pytest.mark.browser
OUT="/tmp/ordershots"
def test_shots(visit: Visit) -> None:
    os.makedirs(OUT, exist_ok=True)
    h=visit.house; page=visit.page
    with h.inside():
        o=h.order("ready")
        overrides.choose(actor=ACTOR, order_ids=[o.pk], choice={"service": h.shop.service.pk}, note="the buyer asked")
        people.assign(actor=ACTOR, order_ids=[o.pk, h.ids["other"]], user_id=1, label="Li Na")
        people.note(actor=ACTOR, order_id=o.pk, text="Rang twice, wants it before Friday.")
        o.refresh_from_db()
        line_edits.edit(actor=ACTOR, order_id=o.pk, version=o.version, wanted=[Wanted(None, h.shop.skus["CUP"].pk, 1, key="abc-0")], reason="gift")
        acts.tag(actor=ACTOR, order_ids=[o.pk], add=["fragile","vip"])
        release(order_ids=[o.pk], actor=ACTOR)
    def shot(name, full=True):
        page.wait_for_timeout(300)
        page.screenshot(path=f"{OUT}/{name}.png", full_page=full)
    for lang in ("en","zh-hans"):
        page.context.add_cookies([{"name":"lang","value":lang,"url":visit.url}])
        for size,tag in ((DESK,"d"),(PHONE,"p")):
            page.set_viewport_size(size)
            visit.open("/orders/?tab=all"); shot(f"list-{lang}-{tag}")
            visit.open(h.path("ready")); shot(f"order-{lang}-{tag}")
            visit.open("/orders/new"); shot(f"new-{lang}-{tag}")
            visit.open(f"/orders/new?copy={h.ids['ready']}"); shot(f"copy-{lang}-{tag}")
            visit.open(h.path("other","lines")); shot(f"lines-{lang}-{tag}")
            visit.open(h.path("address","address")); shot(f"address-{lang}-{tag}")
    page.context.add_cookies([{"name":"theme","value":"dark","url":visit.url},{"name":"lang","value":"en","url":visit.url}])
    page.set_viewport_size(DESK)
    visit.open(h.path("ready")); shot("order-dark")
    visit.open("/orders/new"); page.type("[data-item] [data-sku]","c"); page.wait_for_timeout(600); shot("new-dark")
