"""Our quick ways give what Django's slow ones give."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection
from django.utils.html import format_html as django_format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from core.ui.html import escaped, format_html, format_html_join

values = st.one_of(
    st.text(),
    st.text().map(mark_safe),
    st.integers(),
    st.booleans(),
    st.none(),
    st.decimals(allow_nan=False),
    st.just(gettext_lazy("Overdue <b>")),
)


@given(values, values)
def test_html_is_djangos(one: object, other: object) -> None:
    form = '<a title="{0}" class="{1}">{0}</a>'
    assert format_html(form, one, other) == django_format_html(form, one, other)
    assert isinstance(format_html(form, one, other), SafeString)
    assert format_html_join(" ", "<i>{}</i>", [(one,), (other,)]) == " ".join(
        django_format_html("<i>{}</i>", each) for each in (one, other)
    )


def test_what_is_no_text_of_ours_is_escaped() -> None:
    class Sly(str):
        """A text that is not plain: not trusted for being one."""

    assert escaped(Sly("<script>")) == "&lt;script&gt;"
    assert escaped(mark_safe("<b>")) == "<b>"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 01:02:03+00",
        "2026-11-22 01:02:03.4+00",
        "2026-11-22 01:02:03.000001+00",
        "1969-12-31 23:59:59.999999+00",
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59+00",
    ],
)
def test_times_are_read_as_they_are(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz, NULL::timestamptz, ARRAY[%s::timestamptz]", [text, text])
        (found, nothing, (inside,)) = cursor.fetchone()
    assert found == inside == datetime.fromisoformat(text) and found.tzinfo is UTC and nothing is None


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_times_that_python_has_not_are_refused_and_not_misread(text: str) -> None:
    with connection.cursor() as cursor, pytest.raises(DataError):
        cursor.execute("SELECT %s::timestamptz", [text])
        cursor.fetchone()
