import pytest

from bench.errors import DataError
from bench.runs.record import DataRecord, Maker
from reports.reading.defects import defect
from reports.reading.finished import sound_runs
from reports.reading.groups import RunGroup, carried_marks, gather, latest, select
from reports.reading.marks import subject_count


@pytest.mark.parametrize(
    "other",
    [
        {"surrogate": True},
        {"preset": "paper"},
        {"config_hash": "bbbb2222"},
        {"dataset": "samm"},
        {"variant": "rnas_mer_1"},
    ],
)
def test_a_group_refuses_to_mix(record, other):
    with pytest.raises(DataError, match="the seeds of one configuration"):
        RunGroup((record(), record(seed=1, **other)))


def test_a_group_of_nothing_is_refused():
    with pytest.raises(DataError):
        RunGroup(())


def test_seeds_that_were_trained_in_different_ways_say_so(record):
    one = record(network={"recipe": {"lr": 0.1, "balance": 0}, "words": "a"})
    other = record(seed=1, network={"recipe": {"lr": 0.1, "balance": 5}})
    older = record(seed=2, network={"recipe": {"lr": 0.1}})  # from before it could be told
    assert "seeds differ: recipe" in RunGroup((one, other)).conditions
    assert "seeds differ: recipe" not in RunGroup((one, older)).conditions


@pytest.mark.parametrize(
    ("what", "one", "other"),
    [
        ("landmarks", {"data": DataRecord(landmarks="a")}, {"data": DataRecord(landmarks="b")}),
        ("apexes", {"data": DataRecord(apexes="a")}, {"data": DataRecord(apexes="b")}),
        ("space", {"space": {"channels": 8}}, {"space": {"channels": 16}}),
        (
            "code",
            {"provenance": Maker(code={"variant small": "a"})},
            {"provenance": Maker(code={"variant small": "b"})},
        ),
    ],
)
def test_seeds_of_other_files_or_code_say_so(record, what, one, other):
    seeds = (record(**one), record(seed=1, **other), record(seed=2))  # the last recorded nothing
    assert f"seeds differ: {what}" in RunGroup(seeds).conditions
    assert not any("seeds differ" in mark for mark in RunGroup(seeds[1:]).conditions)


def test_seeds_gather_in_order(record):
    groups = gather([record(seed=2), record(dataset="samm"), record(seed=0), record(seed=1)])
    assert [[each.seed for each in group.records] for group in groups] == [[0], [0, 1, 2]]


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        (("2024-01-01T00:00:00+00:00", "2024-06-01T00:00:00+00:00"), "bbbb2222"),
        (("2024-06-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00"), "aaaa1111"),
        (("2024-01-01T02:00:00+03:00", "2024-01-01T00:00:00"), "bbbb2222"),
        (("2024-01-01", "no date"), "aaaa1111"),
        ((None, "2024-01-01"), "bbbb2222"),
    ],
)
def test_the_latest_configuration_is_shown_and_the_other_named(record, dates, shown):
    first, second = (
        record(config_hash=name, started=date)
        for name, date in zip(("aaaa1111", "bbbb2222"), dates, strict=True)
    )
    groups, notes = latest(gather([first, second]))
    assert [group.key.config_hash for group in groups] == [shown]
    (note,) = notes
    assert "aaaa1111" in note and "bbbb2222" in note
    assert "--preset" in note and "--config-hash" in note


def test_real_and_surrogate_runs_are_no_rivals(record):
    groups, notes = latest(gather([record(), record(surrogate=True)]))
    assert len(groups) == 2 and notes == ()


def test_a_later_control_with_shuffled_labels_does_not_take_a_results_place(record):
    control = record(
        config_hash="cccc3333", started="2025-01-01", config={"data": {"shuffle_labels": True}}
    )
    groups, _ = latest(gather([record(), control]))
    assert {group.shuffled for group in groups} == {False, True}
    (marks,) = (group.conditions for group in groups if group.shuffled)
    assert "shuffled labels" in marks


@pytest.mark.parametrize(
    ("config", "mark"),
    [
        ({"data": {"fresh_seed": 1}}, "fresh"),
        ({"protocol": {"split": "kfold", "folds": 5}}, "k folds: 5 by subject"),
        ({"protocol": {"split": "lodo", "test_sets": "samm"}}, "data set left out: tested on samm"),
    ],
)
def test_a_later_run_of_another_split_does_not_take_the_place_of_leave_one_out(
    record, config, mark
):
    other = record(config_hash="cccc3333", started="2025-01-01", config=config)
    groups, notes = latest(gather([record(), other]))
    assert [mark in group.conditions for group in groups] == [False, True] and notes == ()


@pytest.mark.parametrize(
    ("shares", "mark"),
    [
        ((1.0, 0.9), "trained: 95 % of folds (SMIC)"),
        ((1.0, 0.8, None), "not trained: 90 % of folds (SMIC)"),
        ((None,), None),
    ],
)
def test_the_share_of_trained_folds_stands_beside_the_scores(record, metrics, shares, mark):
    seeds = [record(seed=seed, metrics=metrics(trained=share)) for seed, share in enumerate(shares)]
    assert RunGroup(tuple(seeds)).shortfalls == ((mark,) if mark else ())


def test_incomplete_seeds_give_way_to_complete_ones(record):
    complete, part = record(seed=0), record(seed=1, done=3)
    assert RunGroup((complete, part)).scored == (complete,)
    assert RunGroup((part,)).scored == (part,)
    assert RunGroup((part,)).shortfalls == ("incomplete 3/16 folds (SMIC)",)


def test_selecting_by_preset_and_by_the_beginning_of_a_hash(record):
    runs = [record(preset="paper"), record(config_hash="abcd0000"), record(config_hash="abff0000")]
    assert select(runs) == runs
    assert select(runs, preset="paper") == runs[:1]
    assert select(runs, config="ab") == runs[1:]
    assert select(runs, "paper", "ab") == []


@pytest.mark.parametrize(
    ("settings", "mark"),
    [
        ({"scope": "all"}, "leaky: search_scope=all"),
        ({"selection": "oracle"}, "leaky: selection=oracle"),
        ({"scope": "all", "selection": "oracle"}, "leaky: search_scope=all, selection=oracle"),
    ],
)
def test_leaks_are_named(record, metrics, settings, mark):
    assert RunGroup((record(metrics=metrics(**settings)),)).leaks == (mark,)


def test_clean_runs_have_no_marks(record):
    group = RunGroup((record(),))
    assert (group.conditions, group.leaks, group.shortfalls) == ((), (), ())


def test_a_subset_of_the_subjects_is_marked(record):
    group = RunGroup((record(dataset="composite", total=4),))
    assert group.shortfalls == ("4 of 68 subjects (composite)",)


@pytest.mark.parametrize("choice", [{"subject_count": 4}, {"subjects": "p01,p02,p03,p04"}])
@pytest.mark.parametrize(
    ("people", "marks"), [(6, ("4 of 6 subjects (manifest-mine)",)), (4, ()), (None, ())]
)
def test_a_subset_of_ones_own_people_is_marked(record, choice, people, marks):
    run = record(
        dataset="manifest-mine", total=4, config={"data": choice}, data=DataRecord(people=people)
    )
    assert RunGroup((run,)).shortfalls == marks
    whole = record(dataset="manifest-mine", total=4, data=DataRecord(people=people))
    assert RunGroup((whole,)).shortfalls == ()  # nobody was left out by choice


def test_subject_counts_are_those_of_the_challenge():
    assert [subject_count(name) for name in ("smic", "casme2", "samm", "composite")] == [
        16,
        24,
        28,
        68,
    ]
    assert subject_count("manifest:own.csv") is None


@pytest.mark.parametrize(
    ("metrics_file", "profile_file", "named"),
    [
        ([], None, "whole content"),
        ({"uar": 0.5, "uf1": 0.5}, None, "'acc'"),
        ({"uar": "high", "uf1": 0.5, "acc": 0.5}, None, "'uar'"),
        ({"uar": 0.5, "uf1": 0.5, "acc": 0.5, "slices": {}}, None, "'protocol'"),
        (
            {"uar": 0.5, "uf1": 0.5, "acc": 0.5, "slices": {"samm": {}}, "protocol": {}},
            None,
            "'slices.samm'",
        ),
        (None, {"params": 5}, "'checkpoint_mb'"),
    ],
)
def test_files_that_a_table_cannot_use_are_named(record, metrics_file, profile_file, named):
    line = defect(record(metrics=metrics_file, profile=profile_file))
    assert named in line and "seed0" in line and "\n" not in line


@pytest.mark.parametrize("marks", [None, 7, [["surrogate"]]])
def test_marks_that_are_no_words_leave_a_run_out(write_run, tmp_path, marks):
    write_run(marks=marks)
    sound, (line,) = sound_runs(tmp_path / "runs")
    assert sound == [] and "run.json" in line and "'marks" in line


def test_sound_records_have_no_defect(record, metrics):
    profile = {"params": 5, "checkpoint_mb": 0.1}
    assert defect(record(profile=profile)) is None
    assert defect(record(metrics=metrics(uar=None))) is None
    assert defect(record(metrics=None)) is None


def test_what_every_run_was_given_replaces_the_mark_of_its_lack(record):
    given = record(config_hash="aaaa1111", marks=("no MagNet", "landmarks given"))
    marks = ("ours", "no MagNet", "no landmarks")
    group, other = RunGroup((given,)), RunGroup((record(dataset="samm"),))
    assert carried_marks([group], marks) == ("ours", "no MagNet", "landmarks given")
    assert carried_marks([group, other], marks) == marks


@pytest.mark.parametrize(
    ("epochs", "smoke"), [((2, 12, 2), True), ((1, 1, 1), True), ((2, 40, 2), False)]
)
def test_a_preset_of_ones_own_of_the_size_of_smoke_is_marked_like_it(record, epochs, smoke):
    search, train, recipe = epochs
    config = {"search": {"epochs": search}, "train": {"epochs": train, "recipe_epochs": recipe}}
    group = RunGroup((record(preset="mine", config=config),))
    assert ("smoke: nothing converged" in group.conditions) is smoke
