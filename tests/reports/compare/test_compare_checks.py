"""What is refused, with the place where two runs differ, and what is said instead."""

from __future__ import annotations

import pytest
from compared_runs import PEOPLE, give, unfinish, write_run, wrong_every

from bench.errors import BenchError, DataError, UsageError


@pytest.fixture
def pair(runs):
    """Two runs on the same clips; settings are those of the second."""

    def write(variant="rnas_mer_3", **settings):
        return write_run(runs), write_run(runs, variant, **settings)

    return write


def test_other_clips_are_named(pair, compare):
    with pytest.raises(DataError, match="answer other clips: only rnas_mer has ") as error:
        compare(*pair(people=PEOPLE[:7]))
    assert "smic s08 c0, smic s08 c1, smic s08 c2 and 3 more" in str(error.value)


@pytest.mark.parametrize("spelt", [str.upper, lambda person: f"sub{int(person[1:])}"])
def test_people_of_other_names_are_told(pair, compare, spelt):
    with pytest.raises(DataError, match="names alike may be of one person or clip: write one"):
        compare(*pair(people=tuple(map(spelt, PEOPLE))))


def test_other_people_are_not_taken_for_the_same(pair, compare):
    with pytest.raises(DataError, match="answer other clips") as error:
        compare(*pair(people=tuple(f"{person}9" for person in PEOPLE)))
    assert "names alike" not in str(error.value)


def test_other_labels_are_named(pair, compare):
    turned = pair(
        relabel=lambda subject, number: 2 if (subject, number) == ("s03", 1) else number % 3
    )
    message = r"other labels as true for 1 clip\(s\): smic s03 c1 is positive against surprise"
    with pytest.raises(DataError, match=message):
        compare(*turned)


def test_the_same_names_of_other_frames(pair, compare):
    with pytest.raises(DataError, match="clips of the same names with other frames"):
        compare(*pair(fingerprint="g"))


def test_frames_that_were_cropped_anew_are_compared_on_purpose_and_said(pair, report):
    (found,) = report(*pair(fingerprint="g"), "--other-frames")["comparisons"]
    assert "frames differ: 2 kinds under the same names of clips" in found["notes"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"scope": "fold"}, "search_scope: all against fold"),
        ({"selection": "oracle"}, "selection: last against oracle"),
    ],
)
def test_another_protocol_only_on_purpose(pair, compare, report, settings, told):
    folders = pair(**settings)
    with pytest.raises(UsageError, match=told) as error:
        compare(*folders)
    assert "--across-protocols" in str(error.value)
    (found,) = report(*folders, "--across-protocols")["comparisons"]
    assert len(found["pairs"]) == 1


def test_a_random_network_has_no_search_whose_scope_could_differ(pair, report):
    assert report(*pair(variant="random_rnas_mer", scope="fold"))["comparisons"]


def test_real_and_generated_clips_are_never_paired(pair, compare):
    with pytest.raises(BenchError, match="rnas_mer on smic-surrogate; rnas_mer_3 on smic;"):
        compare(*pair(surrogate=False))


def test_other_settings_are_said(pair, compare):
    found = compare(*pair(settings={"epochs": 9}))
    assert "setting train.epochs differs: 2 in rnas_mer; 9 in rnas_mer_3" in found.output


def test_runs_of_other_genotypes_that_were_given_are_told_and_named_by_their_folders(runs, report):
    one, two, alike = (
        give(write_run(runs / name, answering=wrong_every(n + 2)), operation)
        for n, (name, operation) in enumerate([("a", "skip"), ("b", "none"), ("c", "skip")])
    )
    for number, folder in enumerate((one, two, alike)):
        run = folder / "run.json"
        run.write_text(run.read_text().replace("2024-01-01", f"2024-01-0{number + 1}"))
    told = "genotypes given differ between the runs of rnas_mer"
    (found,) = report(one, two)["comparisons"]
    assert told in found["notes"]
    names = [f"rnas_mer ({folder})" for folder in (one, two)]
    assert [entry["name"] for entry in found["entries"]] == names
    (found,) = report(one, alike)["comparisons"]
    assert told not in found["notes"]


@pytest.mark.parametrize("origin", ["given", "generated"])
def test_seeds_of_other_genotypes_that_were_given_are_marked(runs, report, origin):
    for seed, operation in enumerate(["skip", "none"]):
        give(write_run(runs, seed=seed), operation, origin)
        give(write_run(runs, "rnas_mer_1", seed=seed), "skip", origin)
    folders = [runs.glob("*/rnas_mer/*"), runs.glob("*/rnas_mer_1/*")]
    (found,) = report(*(next(each) for each in folders))["comparisons"]
    marks = [" ".join(entry["marks"]) for entry in found["entries"]]
    assert ["seeds differ: genotypes given" in each for each in marks] == [True, False]


def test_a_setting_that_is_newer_than_a_run_has_its_default_there(pair, compare):
    said = "setting train.momentum differs"
    assert said not in compare(*pair(settings={"momentum": 0.9})).output


def test_a_setting_that_is_newer_than_a_run_may_differ(pair, compare):
    said = "setting train.momentum differs: 0.9 in rnas_mer; 0.5 in rnas_mer_3"
    assert said in compare(*pair(settings={"momentum": 0.5})).output


def test_seeds_on_other_clips_do_not_mix(runs, compare):
    write_run(runs)
    folder = write_run(runs, seed=1, people=PEOPLE[:5]).parent
    with pytest.raises(DataError, match="rnas_mer seed 0 and rnas_mer seed 1 answer other clips"):
        compare(folder, write_run(runs, "rnas_mer_3"))


def test_unfinished_runs(runs, compare):
    whole, other, begun = (
        write_run(runs, name) for name in ("rnas_mer", "rnas_mer_1", "rnas_mer_3")
    )
    unfinish(begun)
    with pytest.raises(BenchError, match="7 of 8 folds are finished"):
        compare(whole, begun)
    found = compare("--variant", "rnas_mer*", "--runs", runs)
    assert f"skipped: {begun}: 7 of 8 folds finished" in found.stderr
    assert other.parts[-3] in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to compare"),
        (("--variant", "rnas_mer"), "no two configurations"),
        (("--variant", "rnas_mr"), "Did you mean 'rnas_mer"),
        (("--variant", "rnas_mer", "--config-hash", "zz"), "no finished run of the kind asked for"),
        (("nowhere",), "nowhere is no run folder and holds none"),
        (("a", "--variant", "rnas_mer"), "either run folders"),
        (("a", "--diagram", "ranks.gif"), "expected a name that ends in"),
    ],
)
def test_misuse(runs, compare, arguments, message):
    write_run(runs)
    more = ("--runs", runs) if "--variant" in arguments else ()
    with pytest.raises(BenchError, match=message):
        compare(*arguments, *more)
