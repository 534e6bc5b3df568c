"""One-time links: what is opened at once, what is handed on, and what people paste."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from opsmodal.people.links import INVITATION, LIFETIMES_S, SIGN_IN, invitation_link, sign_in_link, ticket_in


def test_what_is_handed_on_never_reaches_a_server_in_an_address() -> None:
    parts = urlsplit(invitation_link("https://ops.example.org/", "secret"))
    assert (parts.path, parts.query, parts.fragment) == ("/sign-in", "", "ticket=secret")


def test_what_stands_in_a_query_lives_for_a_minute_at_most() -> None:
    assert urlsplit(sign_in_link("https://ops.example.org", "secret")).query == "ticket=secret"
    assert LIFETIMES_S[SIGN_IN] <= 60
    assert LIFETIMES_S[INVITATION] <= 24 * 3600


@pytest.mark.parametrize(
    ("pasted", "ticket"),
    [
        ("abc_-1", "abc_-1"),
        ("  abc\r\n", "abc"),
        ("https://ops.example.org/sign-in#ticket=abc", "abc"),
        ("#ticket=abc", "abc"),
        ("https://ops.example.org/sign-in?ticket=abc", "https://ops.example.org/sign-in?ticket=abc"),
        ("http://[#ticket=abc", "http://[#ticket=abc"),
        ("", ""),
    ],
)
def test_a_ticket_is_found_in_what_is_pasted(pasted: str, ticket: str) -> None:
    assert ticket_in(pasted) == ticket
