"""Contract tests drive adapters and simulators over real HTTP."""

from tests.support.simulators import simulators

__all__ = ["simulators"]
