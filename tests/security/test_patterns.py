"""What people write as patterns or paste as text takes a moment, whatever they write: the process serves others too."""

from __future__ import annotations

import pytest

from core import clock, patterns
from core.errors import BusinessError
from core.permissions import system
from core.tenancy import tenant_context
from logistics.models import CarrierAccount, Service
from logistics.services import accounts
from logistics.services.outcomes import refuse_number
from orders import address_reading
from tests.security.conftest import Two
from tests.support.database import ACME

ACTOR = system("test")
ENDLESS = ["([A-Z0-9]+)+!", "(A|A)*B", "(A*)*B", r"(?:\w?){40}!", ".*.*.*.*.*!", r"(.)\1*!", "(?:A{1,60}){1,60}B", "("]
USUAL = [
    "", r"YT\d{16}", r"[A-Z]{2}\d{9}[A-Z]{2}", r"(?:420\d{5}(?:\d{4})?)?9[12345]\d{20}", r"LP\d{14,}|CAINIAO\d+", ".*",
    r"(?:GM|LX|RX)(?=[A-Z]*\d)[0-9A-Z]{10,39}", r"[A-Z]*\d+[A-Z]*", r"^1Z[0-9A-Z]{16}$", r"(?i)sf\d{12,13}",
]  # fmt: skip


@pytest.mark.parametrize("form", ENDLESS)
def test_a_pattern_that_takes_for_ever_is_none(form: str) -> None:
    began = clock.monotonic()
    assert not patterns.usable(form)
    assert not patterns.fits(form, "A" * 60)
    assert clock.monotonic() - began < 1


@pytest.mark.parametrize("form", USUAL)
def test_forms_of_numbers_are_usable(form: str) -> None:
    assert patterns.usable(form)


def test_a_usable_pattern_matches_the_whole_text_only() -> None:
    assert patterns.fits(r"YT\d{4}", "YT1234")
    assert not patterns.fits(r"YT\d{4}", "YT12345")
    assert not patterns.fits(".*", "A" * 61)


@pytest.mark.django_db
@pytest.mark.parametrize("form", ENDLESS)
def test_no_service_and_no_pool_takes_such_a_pattern(two: Two, form: str) -> None:
    with tenant_context(ACME):
        service = Service.objects.get(pk=two.shop.service.pk)
        with pytest.raises(BusinessError) as refused:
            accounts.save_service(
                actor=ACTOR, account_id=service.carrier_account_id, service_id=service.pk, number_format=form
            )
        assert refused.value.code == "service.number_format"
        with pytest.raises(BusinessError) as refused:
            accounts.connect_carrier(
                actor=ACTOR, carrier="pool", name="x", credentials={}, settings={"number_format": form}
            )
        assert (refused.value.code, refused.value.params) == ("connect.form", {"fields": ["number_format"]})
        assert not CarrierAccount.objects.filter(carrier="pool").exists()


def test_one_that_stands_in_the_books_already_holds_nobody_up() -> None:
    began = clock.monotonic()
    assert refuse_number("yunexpress", "([A-Z0-9]+)+!", "YT" + "1" * 40) is not None
    assert clock.monotonic() - began < 1


@pytest.mark.parametrize("piece", ["a@", "a.", "@a.", "1 ", "(1-", "a", "号楼", "省市", "12345 AB\n", ", ", "Tel: "])
def test_a_pasted_address_is_read_in_a_moment(piece: str) -> None:
    began = clock.monotonic()
    address_reading.read(piece * 4000, "US")
    assert clock.monotonic() - began < 1
