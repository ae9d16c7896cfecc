"""Sellers API v1, and the Tokens API 2021-03-01 for what still wants a restricted data token."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from ..base import clock
from .accounts import Account, Accounts
from .wire import Call, Refused, answer, read_query

_RESTRICTED = re.compile(r"/orders/v0/orders(/[^/]+(/(address|buyerInfo|orderItems(/buyerInfo)?|regulatedInfo))?)?")
_ELEMENTS = {"buyerInfo", "shippingAddress", "buyerTaxInformation"}


class Sellers:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def participations(self, call: Call) -> Response:
        read_query(call.request)
        return answer({"payload": _participations(call.account)})

    def account(self, call: Call) -> Response:
        read_query(call.request)
        place = call.account.marketplaces[0]
        address = {"addressLine1": "1 Harbour Road", "city": "Shenzhen", "postalCode": "518000", "countryCode": "CN"}
        return answer(
            {
                "payload": {
                    "marketplaceParticipationList": _participations(call.account),
                    "businessType": "PRIVATE_LIMITED",
                    "sellingPlan": "PROFESSIONAL",
                    "business": {"name": call.account.store_name, "registeredBusinessAddress": address},
                    "primaryContact": {"name": f"Owner ({place.country})", "address": address},
                }
            }
        )

    def restricted_token(self, call: Call) -> Response:
        """POST createRestrictedDataToken."""
        read_query(call.request)
        body = call.json()
        resources = body.get("restrictedResources") if isinstance(body, dict) else None
        if not isinstance(resources, list) or not 1 <= len(resources) <= 50:
            raise _bad("Resource not provided.")
        if set(body) - {"targetApplication", "restrictedResources"}:
            raise _bad("Unknown member.")
        for one in resources:
            if not isinstance(one, dict) or set(one) - {"method", "path", "dataElements"}:
                raise _bad("Resource is malformed.")
            if one.get("method") not in ("GET", "PUT", "POST", "DELETE"):
                raise _bad("Resource not provided.")
            if not isinstance(one.get("path"), str) or not _RESTRICTED.fullmatch(one["path"]):
                raise _bad(f"Resource is not restricted: {one.get('path')}")
            if set(one.get("dataElements") or []) - _ELEMENTS:
                raise _bad("Unknown data elements.")
        claims = {"r": call.account.account_id, "t": clock.epoch(), "p": [one["path"] for one in resources]}
        return answer({"restrictedDataToken": "Atz.sprdt|" + self._accounts.seal(claims), "expiresIn": 3600})


def _bad(details: str) -> Refused:
    return Refused(400, "InvalidRequest", "Request is missing or has invalid parameters", details)


def _participations(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "marketplace": {
                "id": place.id,
                "countryCode": place.country,
                "name": place.name,
                "defaultCurrencyCode": place.currency,
                "defaultLanguageCode": place.language,
                "domainName": "www.amazon." + place.domain,
            },
            "storeName": account.store_name,
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
        for place in account.marketplaces
    ]
