"""``python -m sandbox.simulators --data DIR --port 8700``: all marketplaces and carriers, on loopback."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from .app import build


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox.simulators", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the simulators' own state")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--limits", choices=("on", "off"), default="on")
    args = parser.parse_args()
    app = build(args.data, limits=args.limits == "on")
    uvicorn.run(app, host=args.host, port=args.port, log_level="warning", access_log=False, timeout_keep_alive=75)


if __name__ == "__main__":
    main()
