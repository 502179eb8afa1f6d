"""The picture over README says what the sheets of results/ say."""

import csv
from pathlib import Path

from looks import cut_off, overlapping, texts, words_on

from reports.docs.overview import draw_overview
from reports.docs.peers import RESULTS

PROJECT = Path(__file__).parents[3]


def test_the_picture_is_legible_and_its_numbers_are_those_of_the_sheets():
    figure = draw_overview(PROJECT / RESULTS)
    boxes = texts(figure)
    assert cut_off(figure, boxes) == []
    assert overlapping(boxes) == []
    said = words_on(figure)
    with (PROJECT / RESULTS / "strategies-smic-surrogate.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        assert f"{float(row['uar']):.2f} ± {float(row['uar_sd']):.2f}" in said
    assert {"drawn at random", "best on the test subject (leaky)"} <= set(said)
    whole = " ".join(said)
    assert all(word in whole for word in ("surrogate", "smoke", "not trained", "decodings differ"))
