"""A data set of another package gives clips that can be scored, or is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_packages import installing

from bench.data.sets.catalogue import load_clips
from bench.errors import DataError
from bench.system.entry_points import PluginError

DOCS = Path(__file__).parents[5] / "docs" / "extending.md"
SECTION = DOCS.read_text().partition("## A data set\n")[2]
EXAMPLE = SECTION.partition("```python\n")[2].partition("```")[0]
GIVEN = "tuple(clips)"


@pytest.fixture
def load(tmp_path):
    for number, who in enumerate(("ann", "bea", "cem")):
        folder = tmp_path / "data" / who / ("negative", "positive", "surprise")[number] / "c1"
        folder.mkdir(parents=True)
        for frame in (1, 2):
            (folder / f"{frame}.png").touch()

    def call(given=GIVEN, subjects=None, classes="CHALLENGE_CLASSES", **more):
        source = EXAMPLE.replace(f"CHALLENGE_CLASSES, {GIVEN}", f"{classes}, {given}")
        with installing(tmp_path) as put:
            put(source, {"bench.datasets": {"lab": "own_set:Lab"}}, "own_set")
            return load_clips("lab", tmp_path / "data", subjects, **more)

    return call


def test_sound_clips_pass(load):
    found = load()
    assert [clip.subject for clip in found.clips] == ["ann", "bea", "cem"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("()", "gives no clip"),
        ("tuple(clips) * 2", "lab ann/c1 is given more than once"),
        ("tuple(REPLACE(c, label=7) for c in clips)", "label 7, no int of 0 to 2"),
        ("tuple(REPLACE(c, label=-1) for c in clips)", "label -1, no int of 0 to 2"),
        ("tuple(REPLACE(c, label=True) for c in clips)", "label True, no int of 0 to 2"),
        ("tuple(REPLACE(c, frames=()) for c in clips)", "has no frames"),
        ("tuple(REPLACE(c, name='../../c') for c in clips)", "no part of a path"),
        ("tuple(REPLACE(c, name='c\\n') for c in clips)", "no part of a path"),
        ("tuple(REPLACE(c, dataset='smic') for c in clips)", "another data set"),
        ("tuple(REPLACE(c, apex=2) for c in clips)", "the apex 2, which is no frame of it"),
        ("tuple(REPLACE(c, apex=-1) for c in clips)", "the apex -1, which is no frame of it"),
        ("tuple(REPLACE(c, fps=float('nan')) for c in clips)", "has nan frames per second"),
        ("tuple(REPLACE(c, fps=0.0) for c in clips)", "has 0.0 frames per second"),
        ("tuple(REPLACE(c, frames=c.frames[::-1]) for c in clips)", "do not follow the numbers"),
    ],
)
def test_others_are_refused(load, given, said):
    given = given.replace("REPLACE", "__import__('dataclasses').replace")
    with pytest.raises(DataError, match=r"lab of bench.datasets, package own_set") as error:
        load(given)
    assert said in str(error.value)


@pytest.mark.parametrize("names", [("a", "a", "b"), ("a", "", "b"), ("a", 1), ["a", "b"], ("a",)])
def test_classes_are_names_each_once(load, names):
    with pytest.raises(DataError, match=r"package own_set .* has the classes .* each once"):
        load(classes=repr(names))


def test_their_order_is_one_of_names(load):
    found = load("tuple(clips[::-1])")
    assert [clip.subject for clip in found.clips] == ["ann", "bea", "cem"]


@pytest.mark.parametrize("map_", ["native", "a=x,b=y"])
def test_a_class_map_without_effect_is_refused(load, map_):
    with pytest.raises(DataError, match=r"own_set .* takes no notice of data.class_map: its cl"):
        load(class_map=map_)


MAPPED = "negative=bad,positive=good,surprise=good"
SAYS = ", class_map=class_map"
PAIR = "tuple(REPLACE(c, label=min(c.label, 1)) for c in clips)"
PAIR = PAIR.replace("REPLACE", "__import__('dataclasses').replace")


@pytest.mark.parametrize(
    ("given", "classes", "map_", "said"),
    [
        (GIVEN, "CHALLENGE_CLASSES", MAPPED, "has the classes negative, positive, surprise, and"),
        (PAIR, "('bad', 'good', 'odd')", MAPPED, "data.class_map names bad, good: leave"),
        (PAIR, "('good', 'bad')", MAPPED, "class good, and data.class_map gives its emotion 'neg"),
        (PAIR, "('bad', 'good')", "negative=bad,positive=good,surprise=", "none: it is left out"),
        (PAIR, "('bad', 'good')", "negative=bad,positive=good", "label 'surprise' is none of"),
        (GIVEN, "CHALLENGE_CLASSES", "native", "class map 'native!', and data.class_map asks"),
        (GIVEN, "CHALLENGE_CLASSES", "fine", "class map 'fine!', and data.class_map asks"),
    ],
)
def test_other_classes_than_those_of_the_class_map_are_refused(load, given, classes, map_, said):
    says = f"{SAYS} + '!'" if "!" in said else SAYS
    with pytest.raises(DataError, match="package own_set") as error:
        load(given + says, None, classes, class_map=map_)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("map_", [MAPPED, "map.csv", "own"])
@pytest.mark.parametrize("word", ["c.emotion", "''", "'good' if c.label else 'bad'"])
def test_those_of_the_class_map_or_of_a_name_of_ones_own_pass(
    load, tmp_path, monkeypatch, map_, word
):
    monkeypatch.chdir(tmp_path)
    rows = ["emotion=class", *MAPPED.split(",")]
    Path("map.csv").write_text("\n".join(rows).replace("=", ","))
    given = PAIR.replace("min(c.label, 1)", f"min(c.label, 1), emotion={word}")
    found = load(given + SAYS, None, "('bad', 'good')", class_map=map_)
    assert [clip.label for clip in found.clips] == [0, 1, 1]


@pytest.mark.parametrize("tested", ["1", "len(clips)", "True"])
def test_clips_that_are_to_be_tested_are_not_said_by_a_data_set(load, tested):
    with pytest.raises(DataError, match=r"gives tested=\w+, .* said by protocol.split"):
        load(f"{GIVEN}, tested={tested}")


def test_subjects_that_were_not_asked_for_are_refused(load):
    everyone = "tuple(Clip('lab', s, 'c', 0, (tree.root,), None, '', 1.0) for s in self.subjects)"
    with pytest.raises(DataError, match="not asked for"):
        load(everyone, ["ann"])


@pytest.mark.parametrize("given", ["tuple(clips) + 1", "1 / 0"])
def test_one_that_fails_is_named_with_its_package(load, given):
    with pytest.raises(PluginError, match=r"lab of .* package own_set .* failed: \w+Error:"):
        load(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("tuple(REPLACE(c, label=(c.label + 1) % 3) for c in clips)", "but its emotion is 'neg"),
        ("tuple(REPLACE(c, emotion='Surprise ') for c in clips)", "but its emotion is 'surprise'"),
        ("tuple(REPLACE(c, emotion='fear') for c in clips)", "and both the emotion 'fear'"),
    ],
)
def test_labels_that_contradict_the_emotions_are_refused(load, given, said):
    with pytest.raises(DataError, match="have to agree") as error:
        load(given.replace("REPLACE", "__import__('dataclasses').replace"))
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("label", ["0 if c.label else 1", "(c.label + 1) % 3"])
def test_labels_that_contradict_the_paths_are_told(load, label):
    given = f"tuple(REPLACE(c, label={label}, emotion='') for c in clips)"
    problems = load(given.replace("REPLACE", "__import__('dataclasses').replace")).problems
    (told,) = (problem.what for problem in problems if problem.kind == "path")
    assert "clip(s) name their class, those of" in told


@pytest.mark.parametrize("word", ["''", "c.subject", "f' {CHALLENGE_CLASSES[c.label].upper()}'"])
def test_labels_of_words_that_agree_pass(load, word):
    given = "tuple(REPLACE(c, emotion=WORD) for c in clips)".replace("WORD", word)
    assert load(given.replace("REPLACE", "__import__('dataclasses').replace")).problems == ()


RENUMBERED = "tuple(REPLACE(c, label=n, emotion='') for n, c in enumerate(clips))"
RENAMED = "tuple(REPLACE(c, name=f'{len(clips)}') for c in clips)"
SHORTENED = "tuple(clips[len(clips) // 2:])"


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        (RENUMBERED, None),
        (RENUMBERED, ["bea", "cem"]),
        (RENAMED, None),
        (RENAMED, ["ann"]),
        (SHORTENED, None),
        (SHORTENED, ["ann"]),
    ],
)
def test_clips_that_depend_on_who_else_is_asked_for_are_refused(load, given, subjects):
    with pytest.raises(DataError, match="may not depend on `subjects`") as error:
        load(given.replace("REPLACE", "__import__('dataclasses').replace"), subjects)
    assert "\n" not in str(error.value)


def test_classes_that_depend_on_who_is_asked_for_are_refused(load):
    classes = "(*sorted({c.subject for c in clips}), 'none')"
    given = "tuple(REPLACE(c, label=0, emotion='') for c in clips)"
    with pytest.raises(DataError, match="its classes are not the same when"):
        load(given.replace("REPLACE", "__import__('dataclasses').replace"), None, classes)


def test_the_files_of_others_may_be_missing(load):
    fails = "tuple(clips) if subjects else 1 / 0"
    assert [clip.subject for clip in load(fails, ["bea"]).clips] == ["bea"]
