"""Templates: saved answers with variables, one text per language; filled in for a conversation, never with a hole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.languages import get_official_languages
from babel.numbers import format_currency
from django.db import IntegrityError, transaction

from core import bulk
from core.audit import record
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from crm import permissions, variables
from crm.models import Conversation, MessageTemplate
from crm.variables import Facts

FALLBACK = "en"
LONGEST = 10_000


@dataclass(frozen=True)
class Preview:
    """``missing``: variables without a value here; they still stand in the text in braces."""

    template_id: int
    name: str
    language: str
    subject: str
    body: str
    missing: Sequence[str] = field(default_factory=list)


def save_template(
    *, actor: Actor, name: str, language: str, body: str, subject: str = "", template_id: int | None = None
) -> MessageTemplate:
    """Make or change a template. Raises BusinessError ``template.incomplete``, ``template.language``,
    ``template.brace``, ``template.unknown_variable``, ``template.exists``, ``template.not_found``.
    """
    actor.require(permissions.TEMPLATES)
    name, body, subject = name.strip()[:80], body.strip(), subject.strip()[:200]
    if not name or not body or len(body) > LONGEST:
        raise BusinessError("template.incomplete", most=LONGEST)
    variables.check(subject)
    variables.check(body)
    values = {"name": name, "language": _language(language), "subject": subject, "body": body}
    try:
        with transaction.atomic():
            if template_id is None:
                saved = MessageTemplate.objects.create(**values)
            else:
                if not MessageTemplate.objects.filter(pk=template_id).update(**values):
                    raise BusinessError("template.not_found")
                saved = MessageTemplate.objects.get(pk=template_id)
            record(actor, "template", saved.pk, "template.saved", name=name, language=values["language"])
    except IntegrityError:
        raise BusinessError("template.exists", name=name, language=values["language"]) from None
    return saved


def delete_template(*, actor: Actor, template_id: int) -> None:
    actor.require(permissions.TEMPLATES)
    with transaction.atomic():
        found = MessageTemplate.objects.filter(pk=template_id).first()
        if found is None:
            raise BusinessError("template.not_found")
        record(actor, "template", found.pk, "template.deleted", name=found.name, language=found.language)
        found.delete()


def preview(*, actor: Actor, conversation_id: int, name: str, language: str = "") -> Preview:
    """The template in the language of the buyer's country (or the one asked for), with what is missing named."""
    actor.require(permissions.ANSWER)
    facts = facts_of(actor, conversation_id)
    chosen = _choose(name, [language] if language else languages_of(str(facts.order.get("ship_country") or "")))
    facts = localised(facts, chosen.language)
    subject, first = variables.render(chosen.subject, facts)
    body, second = variables.render(chosen.body, facts)
    missing = list(dict.fromkeys([*first, *second]))
    return Preview(chosen.pk, chosen.name, chosen.language, subject, body, missing)


def fill(*, actor: Actor, conversation_id: int, name: str, language: str = "") -> Preview:
    """As ``preview``, ready to be sent. Raises BusinessError ``template.missing`` (names) instead of leaving a hole."""
    made = preview(actor=actor, conversation_id=conversation_id, name=name, language=language)
    if made.missing:
        raise BusinessError("template.missing", names=list(made.missing), name=name)
    return made


def languages_of(country: str) -> list[str]:
    """Languages to try for a country, best first, English last."""
    official = get_official_languages(country, de_facto=True) if len(country) == 2 else ()
    return list(dict.fromkeys([*(tag.replace("_", "-").lower() for tag in official), FALLBACK]))


def _language(tag: str) -> str:
    wanted = tag.strip().replace("_", "-").lower()
    try:
        Locale.parse(wanted, sep="-")
    except (UnknownLocaleError, ValueError):
        raise BusinessError("template.language", language=tag[:20]) from None
    return wanted


def _choose(name: str, wanted: Sequence[str]) -> MessageTemplate:
    """The first wanted language there is (a region's text serves its language too), else English, else any."""
    there = {one.language: one for one in MessageTemplate.objects.filter(name=name).order_by("-language")}
    if not there:
        raise BusinessError("template.not_found")
    for language in [*(tag.lower() for tag in wanted), FALLBACK]:
        for known, one in there.items():
            if known == language or known.split("-")[0] == language.split("-")[0]:
                return there.get(language, one)
    return next(iter(there.values()))


# -- what a conversation's variables are read from ----------------------------------------------------------------------


def facts_of(actor: Actor, conversation_id: int) -> Facts:
    """Raises BusinessError ``conversation.not_found``. Personal values stay unknown without the right to see them."""
    conversation = Conversation.objects.filter(pk=conversation_id).values().first()
    if conversation is None or not actor.sees_account(conversation["account_id"]):
        raise BusinessError("conversation.not_found")
    names = (
        "id external_id account placed_at currency grand_total buyer_name ship_name ship_city ship_country zone".split()
    )
    rows = bulk.fetch(
        "SELECT o.id, o.external_id, a.name, o.placed_at, o.currency, o.grand_total, o.buyer_name, o.ship_name,"
        " o.ship_city, o.ship_country, a.timezone"
        " FROM channels_account a LEFT JOIN orders_order o ON o.id = %s WHERE a.id = %s",
        [conversation["order_id"], conversation["account_id"]],
    )
    order = dict(zip(names, rows[0], strict=True))
    shop = order.pop("account")
    if not actor.can(SEE_PERSONAL):
        order |= {"buyer_name": "", "ship_name": "", "ship_city": ""}
        conversation["buyer_name"] = ""
    if order["id"] is None:
        return Facts(conversation, shop=shop, agent=actor.label)
    lines = bulk.fetch(
        "SELECT title, quantity - cancelled FROM orders_orderline WHERE order_id = %s ORDER BY id", [order["id"]]
    )
    shipments = bulk.fetch(
        "SELECT s.tracking_number, v.name FROM orders_consignment c JOIN logistics_shipment s ON s.id = c.shipment_id"
        " JOIN logistics_service v ON v.id = s.service_id WHERE c.order_id = %s AND c.state <> 'cancelled' ORDER BY c.id",
        [order["id"]],
    )
    return Facts(
        conversation,
        order,
        [{"title": title, "quantity": quantity} for title, quantity in lines],
        [{"tracking_number": number, "service": service} for number, service in shipments],
        shop=shop,
        agent=actor.label,
    )


def localised(facts: Facts, language: str) -> Facts:
    """Day, amount and country as they are written in the template's language; the day is the account's."""
    if not facts.order:
        return facts
    locale = Locale.parse(language, sep="-")
    order = dict(facts.order)
    day = order["placed_at"].astimezone(ZoneInfo(order["zone"] or "UTC")).date()
    order["placed_on"] = format_date(day, "long", locale=locale)
    order["total"] = format_currency(order["grand_total"], order["currency"], locale=locale)
    order["country_name"] = locale.territories.get(order["ship_country"], order["ship_country"])
    return Facts(facts.conversation, order, facts.lines, facts.shipments, facts.shop, facts.agent)
