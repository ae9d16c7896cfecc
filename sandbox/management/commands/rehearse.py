"""``manage.py rehearse``: a whole trip of the product against the simulators, and both sides compared in the end."""

from __future__ import annotations

import json
import signal
import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.rehearse import stage as stages
from sandbox.rehearse.dataset import BadDataset
from sandbox.rehearse.report import table
from sandbox.rehearse.run import Rehearsal, Wishes, to_json


class Command(BaseCommand):
    help = (
        "Run orders, messages, parcels and stock through the product against the simulators, then compare both sides. "
        "Works on servers, a tenant and a clock of its own. Exit code 1 when anything is missing, double or different."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", default="60", metavar="N|FILE", help="invented orders, or a CSV of real ones")
        parser.add_argument("--accounts", type=int, default=4, help="seller accounts, Amazon and eBay in turn")
        parser.add_argument("--faults", choices=("none", "some", "storm"), default="none")
        parser.add_argument("--kill", type=int, default=0, metavar="N", help="kill -9 worker, web, beat, PostgreSQL")
        parser.add_argument("--limits", choices=("on", "off"), default="on", help="the platforms' rate limits")
        parser.add_argument("--speed", type=float, default=120.0, help="how much faster than time everything runs")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--patience", type=float, default=180.0, help="real seconds without movement until it ends")
        parser.add_argument("--limit", type=int, default=None, help="read only so many orders of the file")
        parser.add_argument("--json", action="store_true", help="one JSON line at the end instead of the table")
        parser.add_argument("--keep", action="store_true", help="keep the run's data folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["accounts"] < 1 or options["speed"] <= 0 or options["kill"] < 0:
            raise CommandError("--accounts and --speed must be above 0, --kill not below.")
        source = str(options["orders"])
        if not source.isdigit() and not Path(source).is_file():
            raise CommandError(f"There is no file {source}.")
        given = stages.given()
        if given is None:
            number = uuid.uuid4().hex[:8]
            stages.begin_again(stages.fresh(number, options["speed"]), [sys.executable, *sys.argv])
            return
        wishes = Wishes(
            orders=source,
            accounts=options["accounts"],
            faults=options["faults"],
            kills=options["kill"],
            limits=options["limits"] == "on",
            speed=options["speed"],
            seed=options["seed"],
            patience=options["patience"],
            limit=options["limit"],
        )
        self._run(given, wishes, as_json=options["json"], keep=options["keep"])

    def _run(self, given: stages.Given, wishes: Wishes, *, as_json: bool, keep: bool) -> None:
        def say(text: str) -> None:
            print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

        signal.signal(signal.SIGTERM, _interrupt)
        stage = stages.Stage(given, limits=wishes.limits, echo=say)
        good = False
        try:
            stage.start()
            result = Rehearsal(wishes, stage, say).play()
            good = result.differences == 0 and not result.gave_up
        except stages.ProcessFailed as error:
            raise CommandError(str(error)) from None
        except BadDataset as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted.") from None
        finally:
            stage.stop()
            if keep or not good:
                say(f"Data and logs: {stage.plan.data}")
            else:
                stage.remove()
        if as_json:
            print(json.dumps(to_json(result, wishes), ensure_ascii=False, default=str))
        else:
            print("\n".join(table(result)), flush=True)
        if not good:
            sys.exit(1)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
