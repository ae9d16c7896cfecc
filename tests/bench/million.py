"""A tenant with a million orders (BENCH_ORDERS: another number), for the benches of lists, search and pages.

Written by COPY into the product's own tables, as the product would have written them: lines, search rows, kept counts;
names from many countries, Chinese among them. Most orders are done, some thousands are in work.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from config.launch.places import ROOT
from core.permissions import Actor
from tests.bench import keyset
from tests.bench.server import bench_cache, bench_database, environment

SCHEMA, HOST, OWNER_EMAIL = "t_million", "million.localhost", "owner@example.com"
ORDERS = int(os.environ.get("BENCH_ORDERS", "1000000"))
CHUNK = 10_000
SKUS = 5_000
ACCOUNTS = 12
DAYS = 730
DONE = (("delivered", 930), ("returned", 12), ("cancelled", 25), ("platform", 15))
OPEN = (
    ("handed", 9_000), ("booked", 1_200), ("ready", 900), ("short", 500), ("held", 400), ("new", 60), ("unmatched", 80),
    ("address", 40), ("failed", 30),
)  # fmt: skip
SYLLABLES = (
    "ba be ber bo bri da del der di dor el fa fer ga ger gra ha hel hof in ka ker ko la len lin lo ma mei mer mi mo \
na ne ni no o pe per ra rei ri ro sa schu se sel si sta ste ta te ti tor va ver vi wal we wi za zi".split()
)


@functools.cache
def database() -> str:
    """URL of a bench database with the tenant and, beside it, the yardstick's tables; made once a run, dropped at its end."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    url = stack.enter_context(bench_database())
    print(f"building {ORDERS:,} orders …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "tests.bench.million"], cwd=ROOT, env=environment(url), check=True)
    keyset.build(url, ORDERS)
    os.environ["BROKER_URL"] = stack.enter_context(bench_cache())
    return url


def inside(module: str) -> dict[str, Any]:
    """What ``module`` prints as its last line (JSON), run as a process of its own on the tenant."""
    url = database()
    script = [sys.executable, "-m", module, url]
    output = subprocess.run(
        script, cwd=ROOT, env=environment(url), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found


def owner() -> Actor:
    """The tenant's owner, as a page or a query meets him."""
    from core.permissions import OWNER, of_role

    return Actor(kind="user", id=1, label="Owner", operations=of_role(OWNER), timezone="Europe/Berlin")


class Visitor:
    """The owner before his browser, in process."""

    def __init__(self) -> None:
        from django.test import Client

        from tenants.models import User

        self.client = Client(HTTP_HOST=HOST)
        self.client.force_login(User.objects.get(email=OWNER_EMAIL))

    def get(self, path: str) -> bytes:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.content

    def queries(self, path: str) -> int:
        """How many statements the page asks."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as asked:
            self.get(path)
        return len(asked)


def prepare() -> None:
    """Tenant, accounts, warehouse, SKUs and all orders. In a process of its own, Django set up, on the bench database."""
    from django.db import connection

    from core import bulk
    from core.permissions import system
    from core.tenancy import tenant_context
    from orders.services.acts import compact_counts
    from tenants.services.provisioning import provision

    provision(
        name="Million", schema=SCHEMA, host=HOST, owner_email=OWNER_EMAIL,
        password="a-long-bench-password", timezone="Europe/Berlin", currency="EUR", language="en", actor=system("bench"),
    )  # fmt: skip
    with tenant_context(SCHEMA):
        _furnish()
    connection.close()
    starts = list(range(0, ORDERS, CHUNK))
    context = multiprocessing.get_context("spawn")
    with context.Pool(max(1, len(os.sched_getaffinity(0)))) as pool:
        for _ in pool.imap_unordered(_fill, starts):
            pass
    with tenant_context(SCHEMA):
        for table in ("channels_account", "inventory_sku", "orders_order", "orders_orderline"):
            bulk.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        for table in ("orders_order", "orders_orderline", "orders_ordersearch", "channels_account", "inventory_sku"):
            bulk.execute(f"VACUUM (ANALYZE) {table}")
        compact_counts()


def _furnish() -> None:
    from channels.models import Account
    from core.permissions import system
    from inventory.services import create_warehouse

    create_warehouse(actor=system("bench"), code="SZ", name="Shenzhen")
    for number in range(1, ACCOUNTS + 1):
        _save(
            Account,
            pk=number,
            platform=("amazon", "ebay")[number % 2],
            name=f"Shop {number}",
            external_id=f"SHOP{number}",
        )
    from inventory.models import Sku

    now = datetime.now(UTC)
    for number in range(1, SKUS + 1):
        _save(
            Sku,
            pk=number,
            code=_code(number),
            code_key=_code(number),
            title=f"Thing {number}",
            created_at=now,
            updated_at=now,
        )


def _save(model: Any, **given: Any) -> None:
    model(**{**_defaults(model), **given}).save(force_insert=True)


def _defaults(model: Any) -> dict[str, Any]:
    """A value for every column that must have one."""
    out: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.null:
            continue
        if field.has_default():
            out[field.attname] = field.get_default()
        elif field.get_internal_type() == "DateTimeField":
            out[field.attname] = datetime.now(UTC)
        elif field.get_internal_type() in ("CharField", "TextField"):
            out[field.attname] = ""
        elif field.get_internal_type() == "BinaryField":
            out[field.attname] = b""
        elif field.get_internal_type() != "ForeignKey":
            out[field.attname] = 0
    return out


def _code(number: int) -> str:
    return f"{('TEA', 'LAMP', 'BAG', 'MUG', 'CASE')[number % 5]}-{number:04}-{('S', 'M', 'L', 'RED')[number % 4]}"


def _fill(start: int) -> None:
    import django

    django.setup()
    from core import bulk
    from core.tenancy import tenant_context
    from orders.models import Order, OrderLine

    draw = Random(start)
    order_blank, line_blank = _defaults(Order), _defaults(OrderLine)
    orders, lines, search = [], [], []
    for pk in range(start + 1, min(start + CHUNK, ORDERS) + 1):
        row, mine, found = _order(pk, draw)
        orders.append({**order_blank, **row})
        lines += [{**line_blank, **one} for one in mine]
        search.append((pk, *found))
    with tenant_context(SCHEMA):
        from django.db import transaction

        with transaction.atomic():
            bulk.execute("SET LOCAL synchronous_commit = off")
            for table, rows in (("orders_order", orders), ("orders_orderline", lines)):
                names = list(rows[0])
                bulk.insert(table, names, [[row[name] for name in names] for row in rows])
            bulk.insert("orders_ordersearch", ("order_id", "grams", "text"), search)


def _order(pk: int, draw: Random) -> tuple[dict[str, Any], list[dict[str, Any]], tuple[list[int], str]]:
    from orders.incoming import search_of

    account = draw.randrange(1, ACCOUNTS + 1)
    state = _state(pk, draw)
    # Orders come in by id, so time and id rise together, as they do in life.
    placed = datetime(2026, 11, 1, tzinfo=UTC) - timedelta(
        seconds=(ORDERS - pk) * DAYS * 86400 / ORDERS + draw.random() * 600
    )
    country, name, city = _person(draw)
    skus = [draw.randrange(1, SKUS + 1) for _ in range(1 + min(3, int(draw.expovariate(0.75))))]
    first = pk * 4
    lines = [
        {
            "id": first + place, "order_id": pk, "account_id": account, "external_line_id": f"{pk}-{place}",
            "seller_sku": _code(sku), "title": f"Thing {sku}", "sku_id": sku, "quantity": 1 + sku % 2, "units": 1 + sku % 2,
            "unit_price": Decimal("9.9500"), "line_total": Decimal("9.9500"),
        }
        for place, sku in enumerate(skus)
    ]  # fmt: skip
    row = {
        "id": pk, "account_id": account, "platform": ("amazon", "ebay")[account % 2], "external_id": _number(pk, draw),
        "channel_status": "shipped", "state": state, "channel_updated_at": placed, "state_at": placed, "placed_at": placed,
        "paid_at": placed, "ship_by": placed + timedelta(days=2), "currency": "EUR", "grand_total": Decimal("23.8500"),
        "lines_count": len(lines), "units": sum(line["units"] for line in lines), "first_sku": _code(skus[0]),
        "first_title": f"Thing {skus[0]}", "buyer_name": name, "buyer_id": f"buyer{draw.randrange(700_000)}",
        "buyer_email": f"{draw.getrandbits(40):x}@members.example", "ship_name": name, "ship_city": city,
        "ship_country": country, "ship_postcode": f"{draw.randrange(1000, 99999):05}", "warehouse_id": 1,
        "ship_phone": f"+{draw.randrange(30, 90)} {draw.randrange(100, 999)} {draw.randrange(1000000, 9999999)}",
        "ship_company": "", "created_at": placed, "updated_at": placed,
    }  # fmt: skip
    return row, lines, search_of(row, [_code(sku) for sku in skus], [f"YT26{pk:012}"] if state in DONE_STATES else [])


DONE_STATES = {name for name, _ in DONE} | {"handed", "booked"}


def _state(pk: int, draw: Random) -> str:
    """The newest orders are in work; the others are done, but for some that somebody forgot."""
    share = 0.25 if pk > ORDERS * 0.95 else 0.0005
    kinds = OPEN if draw.random() < share else DONE
    return draw.choices([name for name, _ in kinds], [weight for _, weight in kinds])[0]


def _number(pk: int, draw: Random) -> str:
    if pk % 2:
        return f"{draw.randrange(200, 310)}-{draw.randrange(10**6, 10**7)}-{pk:07}"
    return f"{draw.randrange(10, 30)}-{draw.randrange(10000, 99999)}-{pk:07}"


def _person(draw: Random) -> tuple[str, str, str]:
    """(country, receiver, city)."""
    from sandbox.rehearse.names import FAMILY, GIVEN

    if draw.random() < 0.15:
        family = draw.choice(
            "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑罗梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
        )
        given = "".join(draw.choice(GIVEN_CHARS) for _ in range(1 + (draw.random() < 0.75)))
        return "CN", family + given, draw.choice(("上海市", "深圳市", "广州市", "成都市"))
    language = draw.choice(("en", "de", "fr", "es", "it", "nordic", "slavic"))
    family = draw.choice(FAMILY[language])
    if draw.random() < 0.8:  # the world has more names than the list
        family = "".join(draw.choice(SYLLABLES) for _ in range(2 + (draw.random() < 0.6))).capitalize()
    country = {"en": "GB", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nordic": "SE", "slavic": "PL"}[language]
    return country, f"{draw.choice(GIVEN[language])} {family}", "Town"


GIVEN_CHARS = (
    "伟芳娜敏静丽强磊军洋艳勇杰娟涛明超秀霞平刚桂英华建文玲红斌"
    + "宇浩凯欣怡梓涵子轩雨佳思嘉诗琪晨阳瑞雪梦婷俊豪博睿志远晓燕春"
)


def drawn_searches(many: int, seed: int = 7) -> Iterator[str]:
    """Fragments as people type them, of orders that are there: receivers, phones, numbers, SKUs."""
    from core import bulk

    draw = Random(seed)
    ids = [draw.randrange(1, ORDERS + 1) for _ in range(many)]
    rows = bulk.fetch(
        "SELECT o.id, o.ship_name, o.ship_phone, o.external_id, o.first_sku, s.text FROM orders_order o"
        " JOIN orders_ordersearch s ON s.order_id = o.id WHERE o.id = ANY(%s) AND o.ship_name <> ''",
        [ids],
    )
    for row in rows:
        yield _fragment(draw, *row[1:])


def _fragment(draw: Random, name: str, phone: str, external: str, sku: str, text: str) -> str:
    kind = draw.random()
    if kind < 0.45:
        if name[0] >= "一":
            return name[:2] if draw.random() < 0.5 else name
        family = name.split()[-1]
        return family[: draw.randrange(4, 9)] if draw.random() < 0.6 else name
    if kind < 0.6:
        digits = phone.split()[-1]
        return digits[-4:] if draw.random() < 0.5 else digits
    if kind < 0.85:
        return external if draw.random() < 0.6 else external[-7:]
    return sku if draw.random() < 0.7 else sku.rsplit("-", 1)[0]


if __name__ == "__main__":
    import django

    django.setup()
    prepare()
    print(json.dumps({"orders": ORDERS}))
