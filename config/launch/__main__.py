"""`python -m config.launch up|down|status`: the whole product under one supervisor."""

import argparse
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from config.launch.embedded import ServerUnavailable
from config.launch.kernel import end_with_parent
from config.launch.places import UnsafePlace, data_dir, private_dir
from config.launch.processes import SIMULATOR_PORT, Plan, everything, port_taken
from config.launch.state import CannotStart, is_running, only_one, read, save
from config.launch.supervisor import ProcessFailed, Supervisor

PORT_PATIENCE = 5.0  # seconds that what a killed supervisor left behind may need to let go of its port


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 0 when it did what was asked."""
    parser = argparse.ArgumentParser(prog="python -m config.launch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything and keep it running until Ctrl-C")
    up.add_argument("--host", default="127.0.0.1")
    up.add_argument("--port", type=int, default=8000)
    up.add_argument("--simulator-port", type=int, default=SIMULATOR_PORT)
    up.add_argument("--demo", action="store_true", help="simulators and a demo tenant too")
    up.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    commands.add_parser("down", help="stop what runs on this data folder")
    commands.add_parser("status", help="say what runs on this data folder")
    given = parser.parse_args(arguments)
    try:
        if given.command == "up":
            if given.with_parent:
                end_with_parent(signal.SIGTERM)
            return run(Plan(host=given.host, port=given.port, simulator_port=given.simulator_port, demo=given.demo))
        return down(data_dir()) if given.command == "down" else status(data_dir())
    except (CannotStart, ProcessFailed, ServerUnavailable, UnsafePlace) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def run(plan: Plan) -> int:
    """Start the plan, say where it is found, and stay until a signal or until something has to be given up."""
    private_dir(plan.data)
    with only_one(plan.data):
        check_ports(plan)
        check_servers(plan)
        begun = time.monotonic()
        supervisor = Supervisor(
            plan.data / "log", env=plan.environment(), echo=say, on_change=lambda it: save(plan.data, it), adopt=True
        )
        wake = stop_on_signals(supervisor)
        for process in everything(plan):
            supervisor.add(process)
        try:
            supervisor.start()
            if not wake.is_set():
                say(f"\nStarted in {time.monotonic() - begun:.1f} s. Logs: {supervisor.log_dir}")
                say(welcome(plan, supervisor))
            while not wake.wait(0.5) and not supervisor.failed.is_set():
                pass
        finally:
            say("\nStopping …")
            supervisor.stop()
        return 1 if supervisor.failures() else 0


def say(text: str) -> None:
    """Print, also when whoever read our output is gone (the children still have to be stopped in order)."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def check_ports(plan: Plan) -> None:
    """Raises CannotStart when another program has one of our ports (gunicorn would try for seconds, then give up)."""
    wanted = [(plan.host, plan.port, "PORT")]
    if plan.demo:
        wanted.append(("127.0.0.1", plan.simulator_port, "SIMULATOR_PORT"))
    for host, port, variable in wanted:
        until = time.monotonic() + PORT_PATIENCE
        while port_taken(host, port):
            if time.monotonic() > until:
                raise CannotStart(
                    f"Port {port} of {host} is taken; choose another one: make demo {variable}={port + 1}"
                )
            time.sleep(0.1)


def check_servers(plan: Plan) -> None:
    """Raises CannotStart when a server that the environment names does not answer."""
    if plan.database_url:
        import psycopg

        try:
            psycopg.connect(plan.database_url, connect_timeout=5).close()
        except psycopg.Error as error:
            raise CannotStart(f"DATABASE_URL does not lead to a database: {str(error).strip()}") from None
    if plan.broker_url:
        from kombu import Connection

        try:
            with Connection(plan.broker_url, connect_timeout=5) as broker:
                broker.ensure_connection(max_retries=1, timeout=5)
        except Exception as error:  # each transport has errors of its own
            raise CannotStart(f"BROKER_URL does not lead to a broker: {error}") from None


def stop_on_signals(supervisor: Supervisor) -> threading.Event:
    """The first Ctrl-C (or SIGTERM, or the terminal's end) stops in order, the second kills."""
    wake = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if wake.is_set():
            supervisor.stop_now()
            os._exit(1)
        wake.set()
        supervisor.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
    return wake


def welcome(plan: Plan, supervisor: Supervisor) -> str:
    """Where to look, and with which sign-in (the last line that seed_demo printed)."""
    addresses = [f"http://127.0.0.1:{plan.port}"]
    if plan.demo:
        addresses.insert(0, f"http://demo.localhost:{plan.port}")
    if plan.host in ("0.0.0.0", "::"):
        addresses += [f"http://{own}:{plan.port}" for own in own_addresses()]
    lines = ["", *(f"    {address}" for address in addresses), ""]
    if plan.demo:
        lines += [f"    {supervisor.last_line('seed_demo')}", ""]
    return "\n".join([*lines, "Ctrl-C stops everything."])


def own_addresses() -> list[str]:
    """This machine's address as other computers see it; empty without a network."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; the kernel only picks the way out
        return [probe.getsockname()[0]]
    return []


def down(data: Path) -> int:
    """Ask the launcher to stop and wait until it has."""
    found = read(data)
    if not is_running(data) or not found:
        print("Sampan does not run.")
        return 0
    os.kill(found["pid"], signal.SIGTERM)
    until = time.monotonic() + 60
    while is_running(data):
        if time.monotonic() > until:
            print(f"Process {found['pid']} does not stop.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Stopped.")
    return 0


def status(data: Path) -> int:
    """Print who runs; exit code 3 when nobody does."""
    found = read(data) if is_running(data) else {}
    if not found:
        print("Sampan does not run.")
        return 3
    print(f"{'supervisor':<11} {found['pid']}")
    for name, pid in found["processes"].items():
        print(f"{name:<11} {pid or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
