"""eBay's error numbers as this simulator answers them.

Where the number that the platform would use could not be confirmed in public documents (an unknown order, a wrong
recipient), the general 37 with the tag as its parameter stands, and no number is made up.
"""

from __future__ import annotations

from dataclasses import dataclass

#: code -> (short, long with {0} {1} for the parameters, is it the system's fault)
TEXTS: dict[int, tuple[str, str, bool]] = {
    2: ("Unsupported API call.", 'The API call "{0}" is invalid or not supported in this release.', False),
    5: ("XML Parse error.", "XML Parse error. {0}", False),
    37: (
        "Input data is invalid.",
        "Input data for tag <{0}> is invalid or missing. Please check API documentation. {1}",
        False,
    ),
    518: (
        "Call usage limit has been reached.",
        "Your application has exceeded its call limit for {0} ({1}). The limit resets at midnight Pacific time.",
        False,
    ),
    930: ("Auth token not specified.", "The request carries no authentication token.", False),
    931: ("Auth token is invalid.", "Validation of the authentication token in API request failed.", False),
    932: (
        "Auth token is hard expired.",
        "The authentication token was revoked or is hard expired; the user must consent again.",
        False,
    ),
    10007: ("Internal error to the application.", "Internal error to the application. Please try again later.", True),
    10012: ("Invalid value for header.", 'Invalid value for header "{0}".', False),
    21916964: (
        "Tracking number(s) already exists.",
        "One (or more) tracking number(s) in the request already exists either for a different buyer or a different seller.",
        False,
    ),
    21916984: ("Invalid IAF token.", "IAF token supplied is invalid.", False),
    21917053: ("Expired IAF token.", "IAF token supplied is expired.", False),
}


@dataclass
class TradingError(Exception):
    """One ``Errors`` block; the call ends with ``Ack`` Failure."""

    code: int
    parameters: tuple[str, ...] = ()

    def texts(self) -> tuple[str, str, bool]:
        short, long, system = TEXTS[self.code]
        padded = (*self.parameters, "", "")
        return short, long.format(*padded).strip(), system


def invalid(tag: str, why: str = "") -> TradingError:
    """Error 37: the value of ``tag`` is missing or wrong."""
    return TradingError(37, (tag, why))
