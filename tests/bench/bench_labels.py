"""500 labels in one PDF: ordered as they are picked, read from the files, put on paper, stored, written down; as the job.

The yardstick is what nobody can leave out: read the same 500 files and join their pages with the same library, in the
same run. The wanted limit is 60 seconds; the memory is that of the process that does the whole work.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from config.launch.places import ROOT
from tests.bench.figure import figure
from tests.bench.server import bench_database, environment

SCHEMA = "t_bench"
LABELS = 500
LIMIT = 60.0  # seconds


def run() -> Iterator[dict[str, Any]]:
    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        env = environment(url) | {"SAMPAN_DATA": folder}
        for kind in ("prepare", "label", "a4x4"):
            script = [sys.executable, "-m", "tests.bench.bench_labels", kind]
            output = subprocess.run(script, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
            if kind == "prepare":
                continue
            found = json.loads(output.strip().splitlines()[-1])
            value, yardstick = found.pop("seconds"), found.pop("yardstick")
            yield figure(f"labels_{kind}", value, "s", yardstick, limit=LIMIT, **found)


def prepare() -> None:
    """A tenant whose 500 parcels of one or two SKUs have their labels: drawn by the carrier with numbers of its own."""
    from core.permissions import system
    from core.tenancy import tenant_context
    from logistics.models import Shipment
    from orders.services import booking
    from orders.services.release import release
    from tenants.services.provisioning import provision
    from tests.orders.conftest import line, order, take
    from tests.support.parcels import settle
    from tests.ui2.conftest import make_floor, numbers

    actor = system("bench")
    provision(
        name="Bench", schema=SCHEMA, host="bench.localhost", owner_email="owner@example.com", password=None,
        timezone="UTC", currency="CNY", language="en", actor=actor,
    )  # fmt: skip
    with tenant_context(SCHEMA):
        shop, _ = make_floor(0)
        from logistics.services import accounts

        accounts.add_pool_numbers(actor=actor, account_id=shop.service.carrier_account_id, text=numbers(1000, LABELS))
        for start in range(0, LABELS, 100):
            made = take(
                shop,
                *[
                    order(
                        f"B-{n}",
                        line(f"B-{n}-1", ("LAMP", "CABLE", "CUP")[n % 3]),
                        *([line(f"B-{n}-2", ("CABLE", "CUP", "LAMP")[n % 3])] if n % 4 == 0 else []),
                    )
                    for n in range(start, start + 100)
                ],
            ).created
            release(order_ids=made, actor=actor)
            booking.book_orders(actor=actor, order_ids=made)
            settle()
        ready = Shipment.objects.filter(state="ready").count()
        if ready != LABELS:
            raise SystemExit(f"{ready} parcels are ready, {LABELS} were wanted")


def measure(layout: str) -> dict[str, Any]:
    from core.central import outbox
    from core.permissions import system
    from core.records.models import Job, StoredFile
    from core.tenancy import tenant_context
    from fulfilment import printing
    from fulfilment.models import LabelPrint
    from fulfilment.printing import Wish
    from logistics.models import Shipment

    with tenant_context(SCHEMA):
        ids = list(Shipment.objects.order_by("pk").values_list("pk", flat=True))
        yardstick = _joined(ids)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        more = layout != "label"
        wish = Wish(layout, picking=more, slips=more, again="printer" if more else "")
        started = time.perf_counter()
        job = printing.start(actor=system("bench"), shipment_ids=ids, wish=wish)
        outbox.drain(300)
        spent = time.perf_counter() - started
        found = Job.objects.get(pk=job.pk)
        if (found.state, found.done) != ("done", LABELS):
            raise SystemExit(f"the job is {found.state} with {found.done}: {found.error_code}")
        file = StoredFile.objects.get(pk=found.result_file_id)
        counted = LabelPrint.objects.filter(sheet_id=file.pk).count()
        if counted != LABELS:
            raise SystemExit(f"{counted} prints were written down")
        return {
            "seconds": spent,
            "yardstick": yardstick,
            "labels": LABELS,
            "pages": _pages(file),
            "megabytes": round(file.size / 1e6, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "peak_mb_before": round(before / 1024),
        }


def _joined(ids: list[int]) -> float:
    import pikepdf

    from core import files
    from core.records.models import StoredFile
    from logistics.models import Shipment

    started = time.perf_counter()
    labels = StoredFile.objects.filter(
        pk__in=Shipment.objects.filter(pk__in=ids).values_list("label_file_id", flat=True)
    )
    whole, kept = pikepdf.Pdf.new(), []
    for label in labels:
        kept.append(pikepdf.Pdf.open(io.BytesIO(files.read(label))))
        whole.pages.extend(kept[-1].pages)
    whole.save(io.BytesIO())
    return time.perf_counter() - started


def _pages(file: Any) -> int:
    import pikepdf

    from core import files

    with pikepdf.Pdf.open(io.BytesIO(files.read(file))) as found:
        return len(found.pages)


def main() -> None:
    import django

    django.setup()
    if sys.argv[1] == "prepare":
        prepare()
    else:
        print(json.dumps(measure(sys.argv[1])))


if __name__ == "__main__":
    main()
