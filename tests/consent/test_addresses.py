"""Where a visitor may be sent back to as a table: only to a path of this site."""

import pytest

from blueprints.consent.addresses import safe_path, way_back

LONG = "/" + "é" * 170  # 1021 bytes as a header has it


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("/", True),
        ("/pt/cookies?next=%2F#top", True),
        ("/articles/a:b", True),
        ("/?next=https://evil.example", True),
        ("/a//b", True),
        (LONG + "aaa", True),
        (LONG + "aaaa", False),
        ("", False),
        (None, False),
        ("articles", False),
        ("?a", False),
        ("https://evil.example/", False),
        ("https:/evil.example", False),
        ("javascript:alert(1)", False),
        ("//evil.example", False),
        ("///evil.example", False),
        ("////evil.example", False),
        ("/\\evil.example", False),
        ("\\\\evil.example", False),
        ("/\t/evil.example", False),
        ("/\n/evil.example", False),
        ("/a b", False),
        ("/a\x00", False),
        ("/a\x7f", False),
        (" /", False),
    ],
)
def test_an_address_is_followed_only_where_it_stays_here(
    address: str | None, *, is_safe: bool
) -> None:
    assert safe_path(address) == (address if is_safe else None)
    assert way_back(address) == safe_path(address)


def test_a_path_can_be_left_out_whatever_follows_it() -> None:
    assert safe_path("/cookies?a=1", but_not="/cookies") is None
    assert safe_path("/cookies/history", but_not="/cookies") == "/cookies/history"


@pytest.mark.parametrize("end", ["?" + "x" * 2000, "#" + "x" * 2000, "?a b", "#a\\b", "?a#b c?d"])
def test_of_an_address_that_cannot_be_sent_along_the_path_is_kept(end: str) -> None:
    assert way_back(f"/articles/porto{end}") == "/articles/porto"
    assert way_back(f"//evil.example{end}") is None
    assert way_back(f"/{'x' * 2000}{end}") is None
