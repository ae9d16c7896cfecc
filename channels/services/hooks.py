"""Marketplaces' calls: verified with the account's own secret, handed to the tenant as a hint to read.

A call only says that there is something; what it is comes from the platform's API. So nothing of its body is kept.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F

from channels import protocol
from channels.canonical import HookNews
from channels.models import Account
from channels.registry import all_adapters
from channels.services import deletion
from channels.services.sessions import credentials_of
from core import clock
from core.central.hooks import Handover, HookCall, Reply
from core.errors import Rejected
from core.tenancy import tenant_context
from tenants.models import Tenant, WebhookRoute

NEWS = "channels.hook_news"


def find(platform: str) -> MarketplaceHook | None:
    """For ``core.central.hooks.register_finder``."""
    adapter = all_adapters().get(platform)
    return MarketplaceHook(adapter) if adapter and protocol.WEBHOOKS in adapter.capabilities else None


class MarketplaceHook:
    """Reads the calls of one marketplace."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._deletions = isinstance(adapter, protocol.DeletionSource)

    def greet(self, call: HookCall) -> Reply | None:
        return deletion.greet(self._adapter, call) if self._deletions else None

    def read(self, call: HookCall) -> list[Handover]:
        if self._deletions and self._adapter.speaks_of_persons(call.body, call.headers):
            return deletion.read(self._adapter, call)
        external = self._adapter.hook_account(call.body, call.headers)
        routes = WebhookRoute.objects.select_related("tenant").filter(
            platform=self._adapter.platform, external_id=external, tenant__state=Tenant.ACTIVE
        )
        found: list[Handover] = []
        refused: Rejected | None = None
        for route in routes:
            try:
                news = self._verify(call, route.tenant.schema_name, route.account_id)
            except Rejected as error:  # one tenant's old secret does not speak for the others
                refused = error
                continue
            if news is None:
                continue
            payload = {"account_id": route.account_id, "kind": news.kind, "external_ids": list(news.external_ids)}
            found.append(Handover(route.tenant.schema_name, NEWS, payload))
        if refused is not None and not found:
            raise refused
        return found

    def _verify(self, call: HookCall, schema: str, account_id: int) -> HookNews | None:
        with tenant_context(schema):
            account = Account.objects.filter(pk=account_id).first()
            if account is None:
                return None
            secret = credentials_of(account)
        news: HookNews = self._adapter.verify_hook(call.body, call.headers, secret, clock.now())
        with tenant_context(schema):
            Account.objects.filter(pk=account_id).update(hooks=F("hooks") + 1, last_hook_at=clock.now())
        return news
