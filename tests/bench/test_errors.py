"""Errors that a person reads."""

from __future__ import annotations

import pytest

from bench.errors import MOST_NAMES, quoted, unknown_name


def test_the_nearest_name_is_suggested_and_all_are_listed():
    said = str(unknown_name("variant", "rnas_mar", ["rnas_mer", "ststnet"]))
    assert said == "unknown variant 'rnas_mar'. Did you mean 'rnas_mer'? Known: rnas_mer, ststnet."


def test_where_there_is_none_the_message_says_so():
    assert str(unknown_name("option", "x", [])) == "unknown option 'x'. Known: none."


@pytest.mark.parametrize("count", [MOST_NAMES, MOST_NAMES + 1, 5000])
def test_of_very_many_names_some_are_listed_and_the_others_counted(count):
    names = [f"s{number:05d}" for number in range(count)]
    said = str(unknown_name("clip", "x", names))
    assert ("more." in said) == (count > MOST_NAMES)
    listed = said.partition("Known: ")[2].removesuffix(".").partition(" and ")
    more = int(listed[2].partition(" ")[0] or 0)
    assert len(listed[0].split(", ")) + more == count
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("n\u0435gative", "'n\u0435gative' (U+0435)"),
        ("\u0391nn\u0430", "'\u0391nn\u0430' (U+0391, U+0430)"),
        ("anna", "'anna'"),
        ("\u0430\u043d\u043d\u0430", "'\u0430\u043d\u043d\u0430'"),
        ("J\u00fcrg", "'J\u00fcrg'"),
    ],
)
def test_letters_that_only_look_latin_are_numbered(text, shown):
    assert quoted(text) == shown
