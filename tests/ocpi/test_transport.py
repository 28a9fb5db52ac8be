"""Envelope, tokens, paging, routing, limits."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpi.internal import Party
from ocpi.transport import (
    OcpiError,
    Page,
    Routing,
    authorization,
    depth_is_allowed,
    envelope,
    next_link,
    open_envelope,
    page_headers,
    redacted,
    tokens_in,
    without_zero_offsets,
)

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_envelope_holds_data_only_where_there_is_some() -> None:
    assert envelope([], now=NOW) == {"status_code": 1000, "data": [], "timestamp": "2026-03-01T10:00:00Z"}
    assert "data" not in envelope(None, now=NOW)


@pytest.mark.parametrize("answer", [None, [], {"data": []}, {"status_code": "1000"}, {"status_code": 2001}])
def test_an_answer_that_is_no_success_is_an_error(answer: object) -> None:
    with pytest.raises(OcpiError):
        open_envelope(answer)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=64), st.booleans())
def test_a_token_is_found_whether_it_is_encoded_or_not(token: str, raw: bool) -> None:
    assert token in tokens_in(authorization(token, raw=raw))


def test_the_stray_line_break_of_the_specification_is_dropped() -> None:
    assert "example-token" in tokens_in("Token " + base64.b64encode(b"example-token\n").decode())


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Token", "Token " + "a" * 300])
def test_what_is_no_token_is_none(header: str | None) -> None:
    assert tokens_in(header) == ()


def test_the_next_page_keeps_the_filters() -> None:
    headers = page_headers("https://x/cdrs", Page(0, 2, NOW, None), total=5, count=2, most=100)
    assert headers["X-Total-Count"] == "5"
    assert next_link(headers["Link"]) == "https://x/cdrs?date_from=2026-03-01T10%3A00%3A00Z&offset=2&limit=2"
    assert "Link" not in page_headers("https://x/cdrs", Page(4, 2), total=5, count=1, most=100)


def test_a_page_without_rows_has_no_next_one() -> None:
    assert "Link" not in page_headers("https://x/cdrs", Page(0, 2), total=5, count=0, most=100)


def test_routing_is_swapped_in_the_answer() -> None:
    routing = Routing.of_headers(
        {
            "ocpi-from-country-code": "de",
            "ocpi-from-party-id": "abc",
            "ocpi-to-country-code": "NL",
            "ocpi-to-party-id": "XYZ",
        }
    )
    assert routing == Routing(Party("DE", "ABC"), Party("NL", "XYZ"))
    assert routing.swapped().headers()["OCPI-from-party-id"] == "XYZ"
    assert Routing.of_headers({"ocpi-from-party-id": "abc"}) == Routing()


def test_times_with_a_zero_offset_are_read_where_a_partner_sends_them() -> None:
    text = '{"at": "2026-03-01T10:00:00.5+00:00", "note": "12:00:00+00:00 in a text"}'
    assert without_zero_offsets(text) == '{"at": "2026-03-01T10:00:00.5Z", "note": "12:00:00+00:00 in a text"}'


@pytest.mark.parametrize(
    ("text", "allowed"), [(b"[" * 20, True), (b"[" * 21, False), (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[\\"["}', True)]
)
def test_messages_that_nest_too_deep_are_seen_before_they_are_parsed(text: bytes, allowed: bool) -> None:
    assert depth_is_allowed(text) is allowed


def test_tokens_of_credentials_are_redacted_and_tokens_of_drivers_are_not() -> None:
    message = {"token": "secret", "Authorization": "Token abc", "roles": [{"token": "x"}], "uid": "04AA"}
    assert redacted(message) == {"token": "***", "Authorization": "***", "roles": [{"token": "***"}], "uid": "04AA"}
    assert redacted({"token": {"uid": "04AA"}}) == {"token": {"uid": "04AA"}}
