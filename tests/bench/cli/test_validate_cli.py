"""`bench validate`: passes on what the harness makes, and names every kind of tampering."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from tiny_runs import SUBJECTS, only_run

from bench.system.result_files import sealed

BY_FOLD = ("--set", "protocol.search_scope=fold", "--set", "search.epochs=1")
ALL_RULES = ("--set", "protocol.rules=last,inner_val,oracle")
SHUFFLED = ("--set", "data.shuffle_labels=true")


def findings(bench, runs, *arguments):
    """(kind, file, text) of every finding on the one run; the exit code follows from them."""
    outcome = bench("validate", runs, "--format", "json", *arguments)
    (verdict,) = json.loads(outcome.out)
    assert outcome.code == (1 if verdict["findings"] else 0), outcome.err
    assert verdict["sound"] is (not verdict["findings"])
    return {(each["kind"], each["where"], each["what"]) for each in verdict["findings"]}


def kinds(found):
    return {(kind, where) for kind, where, _ in found}


def change(run, name, edit):
    content = run.json(name)
    edit(content)
    (run.path / name).write_text(json.dumps(content))


def reseal(run):
    """The sums of the files as they are now: a tamperer who knows of them."""
    from bench.runs.checksums import seal_rest
    from bench.runs.folder import RunFolder

    (run.path / "checksums.json").unlink()
    seal_rest(RunFolder(run.path))


class TestPasses:
    def test_a_search_over_all_subjects(self, bench, searched_runs):
        assert findings(bench, searched_runs) == set()
        outcome = bench("validate", only_run(searched_runs).path)
        assert outcome.code == 0
        assert outcome.out.splitlines() == ["1 of 1 runs complete and clean"]
        assert outcome.err == ""  # the labels were compared, too

    @pytest.mark.parametrize(
        "variant, arguments",
        [
            ("random_rnas_mer", (*SHUFFLED, *ALL_RULES, "--seed", 3)),
            ("short", (*BY_FOLD, *ALL_RULES, "--set", "data.subject_count=4")),
            ("random_rnas_mer", ("--set", "protocol.selection=oracle")),
        ],
    )
    def test_every_way_to_run(self, bench, short, runs, variant, arguments):
        assert bench.small(runs, variant, *arguments).code == 0
        assert findings(bench, runs) == set()

    def test_a_composite(self, bench, composite_runs):
        assert findings(bench, composite_runs) == set()

    def test_real_clips_and_a_genotype_of_the_users(self, bench, runs, licensed, searched_runs):
        genotype = only_run(searched_runs).path / "search/genotype.json"
        data = ("--data-root", licensed)
        given = ("--genotype", genotype)
        assert bench.small(runs, "rnas_mer_3", *data, *given, command="evaluate").code == 0
        assert findings(bench, runs) == set()

    def test_what_a_later_command_completes(self, bench, runs):
        assert bench.small(runs, "random_rnas_mer", command="search").code == 0
        assert ("incomplete", "metrics.json") in kinds(findings(bench, runs))
        assert bench.small(runs, "random_rnas_mer").code == 0
        assert findings(bench, runs) == set()

    def test_many_runs_at_once(self, bench, searched_runs, random_runs):
        outcome = bench("validate", searched_runs, random_runs)
        assert (outcome.code, outcome.out) == (0, "2 of 2 runs complete and clean\n")


def flip_prediction(run):
    def edit(fold):
        clip = fold["clips"][0]
        clip["pred"] = clip["selected"]["last"] = (clip["pred"] + 1) % 3

    change(run, "folds/s05.json", edit)


def flip_logits_too(run):
    def edit(fold):
        clip = fold["clips"][0]
        clip["pred"] = clip["selected"]["last"] = (clip["pred"] + 1) % 3
        clip["logits"] = [float(place == clip["pred"]) for place in range(3)]

    change(run, "folds/s05.json", edit)


def swap_label(run):
    def edit(fold):
        fold["clips"][0]["true"] = (fold["clips"][0]["true"] + 1) % 3

    change(run, "folds/s06.json", edit)


def remove_fold(run):
    (run.path / "folds/s06.json").unlink()


def raise_score(run):
    change(run, "metrics.json", lambda metrics: metrics.update(uar=0.99))


def hide_leak(run):
    change(run, "metrics.json", lambda m: m["protocol"].update(leaky=False, leaks=[]))


def edit_config(run):
    change(run, "run.json", lambda record: record["config"]["train"].update(epochs=200))


def copy_fold(run):
    shutil.copy(run.path / "folds/s06.json", run.path / "folds/s05.json")


def foreign_fold(run):
    change(run, "folds/s06.json", lambda fold: fold["run"].update(seed=7))


def train_on_test(run):
    change(run, "folds/s06.json", lambda fold: fold["trained_on"].append("smic/s06"))


def train_on_fewer(run):
    change(run, "folds/s06.json", lambda fold: fold["trained_on"].remove("smic/s05"))


def train_on_strangers(run):
    change(run, "folds/s06.json", lambda fold: fold["trained_on"].append("smic/s99"))


def forget_training(run):
    change(run, "folds/s06.json", lambda fold: fold.pop("trained_on"))


def drop_clip(run):
    change(run, "folds/s06.json", lambda fold: fold["clips"].pop())


def stray_fold(run):
    shutil.copy(run.path / "folds/s06.json", run.path / "folds/s99.json")


def garbled(run):
    change(run, "folds/s06.json", lambda fold: fold.update(clips=3))


def no_json(run):
    (run.path / "folds/s06.json").write_text("{")


def another_path(run):
    def edit(search):
        search["path"] = [2, 2, 2, 2, 2, 4 if search["path"][-1] == 2 else 2]

    change(run, "search/genotype.json", edit)


def smaller_network(run):
    change(run, "profile.json", lambda profile: profile.update(params=1, live_parameters=1))


def other_operations(run):
    change(run, "profile.json", lambda profile: profile.update(macs=1))


def without_attention(run):
    change(run, "run.json", lambda r: r["space"].update(attention=not r["space"]["attention"]))


def other_clips(run):
    change(run, "run.json", lambda record: record["data"].update(fingerprint="0" * 64))


def longer_history(run):
    file = run.path / "search/history.csv"
    file.write_text(file.read_text() + file.read_text().splitlines()[-1] + "\n")


def no_logits(run):
    change(run, "folds/s06.json", lambda fold: fold["clips"][0].update(logits=[]))


def more_logits(run):
    change(run, "folds/s15.json", lambda fold: fold["clips"][0]["logits"].append(-9.0))


def infinite_logits(run):
    def overflown(fold):
        clip = fold["clips"][0]
        clip["logits"][clip["pred"]] = math.inf

    change(run, "folds/s06.json", overflown)


def logits_that_are_no_numbers(run):
    def edit(fold):
        fold["clips"][0].update(logits=[math.nan] * 3)

    change(run, "folds/s05.json", edit)


def more_losses(run):
    change(run, "folds/s06.json", lambda fold: fold["losses"].append(0.1))


def more_reach(run):
    change(run, "search/genotype.json", lambda search: search.update(reach=50.0))


TAMPERING = [
    (no_logits, ("scores", "folds/s06.json")),
    (more_logits, ("scores", "folds/s15.json")),
    (infinite_logits, ("scores", "folds/s06.json")),
    (logits_that_are_no_numbers, ("scores", "folds/s05.json")),
    (more_losses, ("scores", "folds/s06.json")),
    (more_reach, ("search", "search/genotype.json")),
    (another_path, ("search", "search/genotype.json")),
    (longer_history, ("search", "search/history.csv")),
    (smaller_network, ("scores", "profile.json")),
    (other_operations, ("scores", "profile.json")),
    (without_attention, ("configuration", "run.json")),
    (other_clips, ("labels", "run.json")),
    (flip_prediction, ("scores", "folds/s05.json")),
    (flip_logits_too, ("scores", "metrics.json")),
    (swap_label, ("labels", "folds/s06.json")),
    (remove_fold, ("incomplete", "folds/s06.json")),
    (raise_score, ("scores", "metrics.json")),
    (hide_leak, ("scores", "metrics.json")),
    (edit_config, ("configuration", "run.json")),
    (copy_fold, ("incomplete", "folds/s05.json")),
    (foreign_fold, ("configuration", "folds/s06.json")),
    (train_on_test, ("leak", "folds/s06.json")),
    (train_on_fewer, ("incomplete", "folds/s06.json")),
    (forget_training, ("leak", "folds/s06.json")),
    (drop_clip, ("incomplete", "folds")),
    (stray_fold, ("incomplete", "folds/s99.json")),
    (garbled, ("unreadable", "folds/s06.json")),
    (no_json, ("unreadable", "folds/s06.json")),
]


class TestTampering:
    @pytest.fixture
    def run(self, searched_runs, runs):
        return only_run(shutil.copytree(searched_runs, runs))

    @pytest.mark.parametrize(
        ("tamper", "said"),
        [
            (train_on_fewer, "did not train on smic/s05, whom other folds test"),
            (train_on_strangers, "trained on smic/s99, whom no fold tests"),
        ],
    )
    def test_of_other_subjects_it_is_said_who(self, bench, run, tamper, said):
        tamper(run)
        reseal(run)
        assert any(said in what for _, _, what in findings(bench, run.path))

    @pytest.mark.parametrize(
        "tamper, expected", TAMPERING, ids=lambda case: getattr(case, "__name__", "")
    )
    def test_is_found_by_the_sums_and_without_them(self, bench, run, tamper, expected):
        tamper(run)
        found = kinds(findings(bench, run.path))
        assert any(kind == "changed" for kind, _ in found)
        assert expected in found
        reseal(run)
        found = kinds(findings(bench, run.path))
        assert not any(kind == "changed" for kind, _ in found)
        assert expected in found

    @pytest.mark.parametrize("tamper", [smaller_network, swap_label, another_path, raise_score])
    def test_is_found_by_who_goes_on_with_a_run(self, bench, run, runs, tamper):
        tamper(run)
        reseal(run)
        before = run.times
        outcome = bench.small(runs, "rnas_mer_3")
        assert outcome.code == 1 and "start the run anew with `bench run --force`" in outcome.error
        fitted = bench("fit", run.path, "--out", runs / "model.safetensors")
        assert fitted.code == 1 and "epochs" not in fitted.err  # before anything is trained
        assert run.times == before

    def test_of_what_nothing_else_depends_on_is_found_by_the_sums(self, bench, run):
        change(run, "profile.json", lambda profile: profile.update(peak_train_mb=1))
        change(run, "run.json", lambda record: record["provenance"].update(git_commit="0" * 40))
        (run.path / "search/history.csv").unlink()
        assert kinds(findings(bench, run.path)) == {
            ("changed", "profile.json"),
            ("changed", "run.json"),
            ("changed", "search/history.csv"),
        }

    def test_does_not_pass_for_going_on_with_the_run(self, bench, run, runs):
        flip_logits_too(run)
        (run.path / "metrics.json").unlink()
        outcome = bench.small(runs, "rnas_mer_3")
        assert outcome.code == 1
        assert "folds/s05.json was changed after the run made it" in outcome.error
        assert ("changed", "folds/s05.json") in kinds(findings(bench, run.path))

    def test_is_not_seen_in_an_evaluation_made_anew_that_was_stopped_on_the_way(
        self, bench, run, runs, monkeypatch
    ):
        """Other threads or another machine give other last digits."""
        from bench.engine import fold as folds

        def stopped(unit, report):
            if unit.fold != "s05":
                raise KeyboardInterrupt
            evaluate_fold(unit, report)
            change(run, "folds/s05.json", lambda fold: fold["losses"].reverse())

        evaluate_fold = folds.evaluate_fold
        before = (run.path / "folds/s05.json").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(folds, "evaluate_fold", stopped)
            assert bench.small(runs, "rnas_mer_3", "--force", command="evaluate").code == 130
        assert (run.path / "folds/s05.json").read_bytes() != before
        assert bench.small(runs, "rnas_mer_3").code == 0
        assert findings(bench, run.path) == set()

    def test_an_older_run_gets_its_seals_by_the_same_command(self, bench, run, runs):
        (run.path / "checksums.json").unlink()
        assert kinds(findings(bench, run.path)) == {("changed", "checksums.json")}
        change(run, "run.json", lambda record: record.pop("format"))
        ((kind, where, what),) = findings(bench, run.path)
        assert (kind, where) == ("incomplete", "checksums.json")
        assert "repeat the command" in what
        assert bench.small(runs, "rnas_mer_3").code == 0
        assert findings(bench, run.path) == set()

    def test_keys_that_later_versions_write_are_not_missed(self, bench, run):
        def older(metrics):
            del metrics["aggregations"], metrics["protocol"]["genotype"]

        change(run, "metrics.json", older)
        reseal(run)
        assert findings(bench, run.path) == set()
        change(run, "metrics.json", lambda metrics: metrics["protocol"].pop("leaks"))
        reseal(run)
        assert {what for _, _, what in findings(bench, run.path)} == {
            "protocol.leaks does not follow from the folds"
        }

    def test_the_score_of_a_metric_that_is_not_installed_here_is_kept(self, bench, run):
        def scored_by_kappa(metrics):
            metrics["kappa"] = 0.25
            metrics["aggregations"]["fold_mean"]["kappa"] = None

        change(run, "metrics.json", scored_by_kappa)
        reseal(run)
        assert findings(bench, run.path) == set()

    def test_a_folder_under_another_name(self, bench, run):
        moved = run.path.rename(run.path.with_name("seed1"))
        ((kind, where, what),) = findings(bench, moved)
        assert (kind, where) == ("configuration", "run.json")
        assert "seed0, which is not what its folder is called" in what

    def test_lines_for_a_person(self, bench, run):
        raise_score(run)
        outcome = bench("validate", run.path)
        assert outcome.code == 1
        assert outcome.out.splitlines() == [
            f"{run.path}: scores: metrics.json: uar does not follow from the folds",
            f"{run.path}: changed: metrics.json: was changed after the run made it",
            "0 of 1 runs complete and clean",
        ]


def test_a_control_that_its_seed_does_not_draw(bench, random_runs, runs):
    run = only_run(shutil.copytree(random_runs, runs))

    def edit(search):
        search["operations"] = ["skip" if o != "skip" else "conv_1" for o in search["operations"]]

    change(run, "search/genotype.json", edit)
    reseal(run)
    ((kind, where, what),) = findings(bench, runs)
    assert (kind, where) == ("search", "search/genotype.json")
    assert "is not the genotype that seed 0 draws" in what


def test_weights_of_another_fold_and_such_as_are_cut_short(bench, runs):
    assert bench.small(runs, "ststnet", "--set", "save.weights=last").code == 0
    run = only_run(runs)
    first, second, third = sorted((run.path / "models").glob("*"))
    shutil.copy(first, second)
    third.write_bytes(third.read_bytes()[:-9])
    reseal(run)
    expected = {("configuration", f"models/{second.name}"), ("unreadable", f"models/{third.name}")}
    assert kinds(findings(bench, runs)) == expected


def test_a_search_that_saw_the_test_subject(bench, short, runs):
    assert bench.small(runs, short, *BY_FOLD).code == 0
    run = only_run(runs)
    name = "search/s06/genotype.json"
    assert "smic/s06" not in run.json(name)["searched_on"]
    change(run, name, lambda genotype: genotype["searched_on"].append("smic/s06"))
    reseal(run)
    ((kind, where, what),) = findings(bench, runs)
    assert (kind, where) == ("leak", name)
    assert "smic/s06 was searched on" in what


def test_labels_that_cannot_be_compared_are_said_to_be(bench, random_runs, tmp_path):
    outcome = bench("validate", random_runs, BENCH_CACHE=tmp_path)
    assert outcome.code == 0
    assert "labels not compared with the data: no such surrogate clips" in outcome.err
    assert not list(tmp_path.iterdir())  # nothing is generated to look at


def test_labels_of_generated_clips_in_a_folder_of_the_users(bench, runs, tmp_path):
    """They are read where the run read them, not looked for in the cache."""
    from bench.data.surrogates.writing import write_surrogate

    root = tmp_path / "made"
    write_surrogate("smic", root, size=16, subjects=SUBJECTS, workers=1, seed=3)
    assert bench.small(runs, "random_rnas_mer", "--data-root", root).code == 0
    assert bench("validate", runs).err == ""
    swap_label(only_run(runs))
    assert ("labels", "folds/s06.json") in kinds(findings(bench, runs))
    shutil.rmtree(root)
    assert f"{root} is not there" in bench("validate", runs).err


def test_labels_of_real_clips_found_elsewhere(bench, runs, data_root, tmp_path):
    assert bench.small(runs, "random_rnas_mer", "--data-root", data_root).code == 0
    moved = Path(shutil.move(data_root, tmp_path / "elsewhere"))
    assert "--data-root" in bench("validate", runs).err
    assert bench("validate", runs, "--data-root", moved).err == ""
    swap_label(only_run(runs))
    assert ("labels", "folds/s06.json") in kinds(findings(bench, runs, "--data-root", moved))


def test_no_run_there(bench, tmp_path):
    outcome = bench("validate", tmp_path)
    assert outcome.code == 2
    assert f"no run in {tmp_path}" in outcome.error


@pytest.mark.parametrize("folder", ["leakage", "studies/sweep"])
def test_the_results_in_a_folder_without_runs(bench, tmp_path, folder):
    (place := tmp_path / folder).mkdir(parents=True)
    (place / "one.json").write_text(json.dumps(sealed({"uar": 0.5})))
    (place / ".hidden.json").write_text("{")
    outcome = bench("validate", tmp_path)
    assert (outcome.code, outcome.out) == (0, "1 of 1 files sealed and unchanged\n")
    (place / "two.json").write_text(json.dumps(sealed({"uar": 0.5}) | {"uar": 0.6}))
    outcome = bench("validate", tmp_path)
    assert outcome.code == 1 and "two.json: changed" in outcome.out


def test_a_file_that_is_no_run(bench, tmp_path):
    (tmp_path / "run.json").write_text('{"folds": ["s01"]}')
    outcome = bench("validate", tmp_path)
    assert outcome.code == 1
    assert "no run of this harness" in outcome.out


def test_another_file_of_landmarks_is_told_and_is_no_finding(bench, runs, tmp_path):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("subject,clip,left,top,right,bottom\n")
    assert bench.small(runs, "majority", "--set", f"data.landmarks={boxes}").code == 0
    assert bench("validate", runs).err == ""
    boxes.write_text("subject,clip,left,top,right,bottom\ns05,s05_ne_01,1,1,9,9\n")
    outcome = bench("validate", runs)
    assert outcome.code == 0 and f"data.landmarks={boxes}: the file is another" in outcome.err
    boxes.unlink()
    assert bench("validate", runs).err == ""
