import re

import pytest

from ablations import RNAS_MER
from reports.figures import run_figures
from reports.figures.dot import quoted

STRING = r'"(?:[^"\\]|\\.)*"'
ATTRIBUTES = rf"\[\w+=(?:{STRING}|[\w.]+)(?:, \w+=(?:{STRING}|[\w.]+))*\]"
STATEMENT = re.compile(
    rf"(?:label={STRING}|rankdir=LR|(?P<vertex>\w+) {ATTRIBUTES}"
    rf"|(?P<source>\w+) -> (?P<target>\w+)(?: {ATTRIBUTES})?);"
    r"|\{ rank=same; (?:\w+; )+\}"
)


def parsed(text):
    """Vertices and arrows of a DOT text; every line of it must be a statement of the grammar."""
    opening, *body, closing = text.splitlines()
    assert re.fullmatch(r"digraph \w+ \{", opening) and closing == "}"
    found = [STATEMENT.fullmatch(line.strip()) for line in body]
    assert all(found), [line for line, match in zip(body, found, strict=True) if not match]
    vertices = [match["vertex"] for match in found if match["vertex"]]
    arrows = [(match["source"], match["target"]) for match in found if match["source"]]
    return vertices, arrows


@pytest.mark.parametrize(
    "kind", ["open", "autodeeplab", "automer", "one_way", "random", "folds", "autodeeplab_folds"]
)
def test_both_graphs_are_valid_and_whole(made, kind):
    record = made[kind]
    dots = run_figures(record, ["network_path", "cell"]).dots
    assert set(dots) == {"network_path", "cell"}
    for text in dots.values():
        vertices, arrows = parsed(text)
        assert len(vertices) == len(set(vertices))
        assert {end for arrow in arrows for end in arrow} <= set(vertices)
        assert "surrogate" in text


def test_the_path_is_told_from_the_rest(run):
    text = run_figures(run(), ["network_path"]).dots["network_path"]
    _, arrows = parsed(text)
    assert len(arrows) == len(RNAS_MER.outer.arrows)
    assert text.count("penwidth=4") == RNAS_MER.outer.layers


def test_over_folds_labels_count_the_folds(made):
    dots = run_figures(made["folds"], ["network_path", "cell"]).dots
    for name, each in (("network_path", RNAS_MER.outer.layers), ("cell", 2 * RNAS_MER.nodes)):
        counts = [int(count) for count in re.findall(r'(\d+)/16"', dots[name])]
        assert sum(counts) == 16 * each


def test_strings_are_escaped():
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'
    assert re.fullmatch(STRING, quoted('a"b\\c\nd'))
