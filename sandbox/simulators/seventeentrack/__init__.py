"""17TRACK v2.4: registration of numbers, their state on demand, and signed webhooks.

The vocabulary of states, the error codes, the signature and the shapes follow what public clients agree on; the retry
times of webhooks are our own (seconds instead of minutes, so that a rehearsal need not wait).
"""

from .platform import SeventeenTrack

SIMULATOR = SeventeenTrack
