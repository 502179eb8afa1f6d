"""Which clips a run uses, and which labels."""

from __future__ import annotations

import shutil
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_clips import noise, write_clip

from bench.config.loading import load_settings
from bench.config.settings import DataConfig
from bench.data.clips import Clip
from bench.data.disk.images import unreadable
from bench.data.sources import (
    FEW_CLIPS,
    find_clips,
    fingerprinted,
    most_telling_subjects,
    prepare,
    resolve_source,
    settings_on,
    surrogate_folder,
    used_labels,
)
from bench.data.surrogates.flows import FlowPlan
from bench.data.surrogates.writing import write_flows, write_surrogate
from bench.errors import DataError, UsageError


def clip(subject, label=0, dataset="smic") -> Clip:
    return Clip(dataset, subject, f"{subject}_{label}", label, (), None, "", 100.0)


class TestResolveSource:
    def test_surrogates_need_no_root(self, tmp_path):
        source = resolve_source("smic", None, True, tmp_path)
        assert (source.dataset, source.surrogate, source.root) == ("smic", True, None)

    def test_surrogates_win_over_a_root_from_the_environment(self, tmp_path):
        assert resolve_source("smic", tmp_path, True, tmp_path).root is None

    def test_places_do_not_move_with_the_current_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        source = resolve_source("smic", Path("data"), False, Path("cache"))
        assert (source.root, source.cache) == (tmp_path / "data", tmp_path / "cache")

    def test_without_a_root_says_how_to_get_one(self, tmp_path):
        with pytest.raises(UsageError, match=r"--data-root DIR or set BENCH_DATA.*--surrogate"):
            resolve_source("casme2", None, False, tmp_path)

    @pytest.mark.parametrize("surrogate", [True, False])
    def test_unknown_sets_name_the_nearest(self, tmp_path, surrogate):
        with pytest.raises(UsageError, match="Did you mean 'casme2'"):
            resolve_source("casm2", tmp_path, surrogate, tmp_path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Generated clips of one subject of SAMM."""
    folder = tmp_path_factory.mktemp("made") / "clips"
    choice = {"size": 16, "subjects": ["037"], "difficulty": "hard", "seed": 3}
    write_surrogate("samm", folder, workers=1, **choice)
    return folder


def test_a_copy_under_another_name_is_told_when_clips_are_prepared(tmp_path):
    lines = ["dataset,subject,clip,label,frames"]
    for subject in ("a", "b"):
        write_clip(tmp_path / subject, noise(3))
        lines.append(f"lab,{subject},c,positive,{subject}")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    source = resolve_source(f"manifest:{tmp_path / 'm.csv'}", None, False, tmp_path / "cache")
    clip_set, _ = prepare(source, DataConfig(), lambda *step: None, stills=())
    what = "copies of those of lab a/c, of another subject: a fold trains on what it tests"
    assert [(p.kind, p.where) for p in clip_set.problems] == [("twin", "lab b/c")]
    assert what in clip_set.problems[0].what


@pytest.mark.parametrize("stored", ["images", "array"])
@pytest.mark.parametrize("of", ["a,am", "b,a"])
def test_so_is_a_mirrored_one(tmp_path, stored, of):
    rows = ["dataset,subject,clip,label,frames"]
    whole = np.random.default_rng(1).integers(60, 200, (2, 4, 24, 24, 1), np.uint8).repeat(3, -1)
    for who, name, frames in (("a", "a", whole[0]), ("a", "c", whole[1]), ("", "m", whole[0])):
        frames = frames if who else frames[:, :, ::-1]
        if stored == "array":
            np.save(tmp_path / f"{name}.npy", frames)
        else:
            write_clip(tmp_path / name, frames)
        path = name + ".npy" * (stored == "array")
        rows.append(f"lab,{f'{who},{name}' if who else of},positive,{path}")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    source = resolve_source(f"manifest:{tmp_path / 'm.csv'}", None, False, tmp_path / "cache")
    problems = prepare(source, DataConfig(), lambda *step: None)[0].problems
    (twin,) = (problem for problem in problems if problem.kind == "twin")
    assert twin.where == "lab " + of.replace(",", "/")
    assert "mirror" in twin.what


@pytest.mark.parametrize("clip", ["a,d,2,5", "a.npy,d,2,5", "a,e,3,6"])
def test_frames_of_two_subjects_are_told_wherever_clips_are_read(clip, tmp_path):
    frames = noise(6)
    write_clip(tmp_path / "a", frames)
    np.save(tmp_path / "a.npy", frames)
    place, who, onset, offset = clip.split(",")
    rows = [f"lab,a,c,positive,{place},1,4", f"lab,{who},c,positive,{place},{onset},{offset}"]
    titles = "dataset,subject,clip,label,frames,onset,offset"
    (tmp_path / "m.csv").write_text("\n".join([titles, *rows, f"lab,a,c2,positive,{place},4,6"]))
    source = resolve_source(f"manifest:{tmp_path / 'm.csv'}", None, False, tmp_path / "cache")
    found = [each for each in find_clips(source, DataConfig()).problems if each.kind == "twin"]
    assert [each.where for each in found] == [f"lab {who}/c"]
    assert "of its frames are also frames of lab a/c, of another subject: a " in found[0].what


@pytest.mark.parametrize("stored", ["array", "copies"])
def test_a_clip_stored_twice_in_two_ways_is_told_once(stored, tmp_path):
    frames = noise(3)
    write_clip(tmp_path / "a", frames)
    if stored == "array":
        np.save(tmp_path / "b.npy", frames)
    else:
        write_clip(tmp_path / "b.npy", frames)
    write_clip(tmp_path / "still", np.repeat(frames[:1], 3, axis=0))
    write_clip(tmp_path / "still2", np.repeat(frames[1:2], 3, axis=0))
    rows = [f"lab,{who},c,positive,{who}" for who in ("a", "b.npy", "still", "still2")]
    (tmp_path / "m.csv").write_text("\n".join(["dataset,subject,clip,label,frames", *rows]))
    source = resolve_source(f"manifest:{tmp_path / 'm.csv'}", None, False, tmp_path / "cache")
    clip_set, _ = prepare(source, DataConfig(), lambda *step: None)
    (twin,) = [problem for problem in clip_set.problems if problem.kind == "twin"]
    said = {"array": "made into the same input as", "copies": "copies of"}[stored]
    assert twin.what.startswith(f"its frames are {said} those of lab a/c, of another subject: a")


class TestGeneratedTrees:
    """Generated clips stay surrogates, by whichever door they come in."""

    @pytest.mark.parametrize("below", ["", "SAMM"])
    def test_a_generated_tree_as_data_root_is_a_surrogate(self, tree, below, tmp_path):
        source = resolve_source("samm", tree / below, False, tmp_path)
        assert source.surrogate and source.root == tree / below
        assert source.made.settings == {
            "data.difficulty": "hard",
            "data.surrogate_seed": "3",
            "data.surrogate_version": "2",
        }
        data = settings_on(source, partial(load_settings, "smoke", ["difficulty=0.45"])).config.data
        assert (data.difficulty, data.surrogate_seed) == ("hard", 3)
        with pytest.raises(UsageError, match=r"data\.difficulty is hard of the clips below"):
            settings_on(source, partial(load_settings, "smoke", ["difficulty=easy"]))
        assert len(find_clips(source, DataConfig()).clips) == 1

    def test_a_manifest_of_generated_clips_is_a_surrogate_and_one_of_others_is_not(
        self, tree, tmp_path
    ):
        header = "dataset,subject,clip,label,frames\n"
        rows = {"made": f"x,a,b,positive,{tree}/SAMM/037/*/*.jpg\n", "real": "x,a,b,positive,c/*\n"}
        for name, row in rows.items():
            manifest = tmp_path / f"{name}.csv"
            manifest.write_text(header + row)
            source = resolve_source(f"manifest:{manifest}", None, False, tmp_path)
            assert source.surrogate == (name == "made")

    @pytest.mark.parametrize("given", ["corrections=known", "annotation=x.csv", "surrogate_seed=2"])
    def test_a_setting_without_effect_on_a_manifest_is_refused(self, tmp_path, given):
        manifest = tmp_path / "mine.csv"
        manifest.write_text("dataset,subject,clip,label,frames\nx,a,b,positive,c/*\n")
        source = resolve_source(f"manifest:{manifest}", None, False, tmp_path)
        load = partial(load_settings, "smoke")
        assert settings_on(source, load).config == load_settings("smoke").config
        with pytest.raises(UsageError, match=r"data\.\w+ is for .*: leave it out"):
            settings_on(source, partial(load, [given]))

    def test_a_link_into_a_generated_tree_is_a_surrogate(self, tree, tmp_path):
        (tmp_path / "mine").symlink_to(tree / "SAMM")
        source = resolve_source("samm", tmp_path / "mine", False, tmp_path)
        assert source.surrogate and source.made.seed == "3"

    def test_a_manifest_cannot_disguise_generated_clips_by_a_glob_over_links(self, tree, tmp_path):
        (tmp_path / "c1").symlink_to(tree / "SAMM" / "037")
        manifest = tmp_path / "mine.csv"
        manifest.write_text("dataset,subject,clip,label,frames\nx,a,b,positive,c?/*\n")
        source = resolve_source(f"manifest:{manifest}", None, False, tmp_path)
        with pytest.raises(DataError, match="leads to generated clips by a link"):
            find_clips(source, DataConfig(allow_outside=True))

    @pytest.mark.parametrize("door", ["samm", "manifest", "flows"])
    @pytest.mark.parametrize("seed", [0, 5])
    def test_without_their_note_generated_clips_are_known_again(self, tmp_path, door, seed):
        """Drawn faces by what they show, drawn flow by the names of its people."""
        made, root = tmp_path / "made", tmp_path / "root"
        root.mkdir()
        if door == "flows":
            manifest = write_flows(made, FlowPlan(people=2, clips=4, seed=seed))
        else:
            write_surrogate("samm", made, seed=seed, size=64, subjects=["006", "007"], workers=1)
            manifest = root / "mine.csv"
            rows = "mine,a,1,positive,SAMM/006/006_4_1/*\nmine,b,1,negative,SAMM/006/006_2_3/*\n"
            manifest.write_text("dataset,subject,clip,label,frames\n" + rows)
        for name in ("SAMM", "images", "generated.csv"):
            if (made / name).exists():
                (made / name).rename(root / name)
        named = "samm" if door == "samm" else f"manifest:{root / manifest.name}"
        source = resolve_source(named, root if door == "samm" else None, False, tmp_path)
        with pytest.raises(DataError, match=r"these are generated clips, and no SURROGATE\.txt"):
            find_clips(source, DataConfig())

    def test_a_frame_that_cannot_be_read_is_made_again_not_unpacked(self, tree, tmp_path):
        (one,) = find_clips(resolve_source("samm", tree, False, tmp_path), DataConfig()).clips
        told = {path: str(unreadable(one, path, OSError("cut"))) for path in (one.frames[0], tree)}
        assert "SURROGATE.txt elsewhere: the clips are made again" in told[one.frames[0]]
        assert "Unpack the data set again" in told[tree]

    def test_other_roots_are_real(self, tmp_path):
        assert not resolve_source("samm", tmp_path, False, tmp_path).surrogate


class TestMostTellingSubjects:
    def test_show_most_classes_then_most_clips(self):
        clips = [
            *[clip("many", 0)] * 9,
            *[clip("two", 0), clip("two", 1)],
            *[clip("more", 0), clip("more", 1), clip("more", 1)],
            *[clip("all", 0), clip("all", 1), clip("all", 2)],
        ]
        order = ["all", "more", "two", "many"]
        for count in range(1, 5):
            kept = {("smic", subject) for subject in order[:count]}
            assert most_telling_subjects(clips, count) == kept

    def test_come_from_every_data_set_in_turn(self):
        clips = [clip(s, label) for s in "abc" for label in range(3)]
        clips += [clip("d", 0, "samm"), clip("e", 0, "samm")]
        assert Counter(dataset for dataset, _ in most_telling_subjects(clips, 4)) == {
            "smic": 2,
            "samm": 2,
        }

    def test_are_all_where_more_are_asked_for(self):
        assert most_telling_subjects([clip("a"), clip("b")], 9) == {("smic", "a"), ("smic", "b")}


class TestUsedLabels:
    clip_lists = st.lists(st.integers(0, 2).map(lambda label: clip("s01", label)), max_size=30)

    @given(clip_lists, st.integers(0, 99))
    def test_are_the_clips_own(self, clips, seed):
        assert used_labels(clips, DataConfig(), seed) == tuple(each.label for each in clips)

    @given(clip_lists, st.integers(0, 99))
    def test_shuffled_are_a_permutation_that_follows_from_the_seed(self, clips, seed):
        settings = DataConfig(shuffle_labels=True)
        shuffled = used_labels(clips, settings, seed)
        assert Counter(shuffled) == Counter(each.label for each in clips)
        assert shuffled == used_labels(clips, settings, seed)

    def test_shuffled_differ_from_seed_to_seed(self):
        clips = [clip("s01", index % 3) for index in range(30)]
        settings = DataConfig(shuffle_labels=True)
        assert len({used_labels(clips, settings, seed) for seed in range(5)}) == 5


class TestFindClips:
    @pytest.fixture
    def source(self, tmp_path, trees):
        high_speed = tmp_path / "data/SMIC_all_cropped/HS"
        clips = (
            "s1/micro/negative/s1_ne_01",
            "s1/micro/positive/s1_po_01",
            "s2/micro/positive/s2_po_01",
        )
        trees.smic(high_speed, clips)
        return resolve_source("smic", tmp_path / "data", False, tmp_path)

    def test_keeps_the_subjects_asked_for_however_they_are_written(self, source):
        for names in ("s01", "s1", "1", " s01 , "):
            assert find_clips(source, DataConfig(subjects=names)).subjects == ("s01",)
        assert find_clips(source, DataConfig()).subjects == ("s01", "s02")

    def test_keeps_so_many(self, source):
        assert find_clips(source, DataConfig(subject_count=1)).subjects == ("s01",)

    def test_does_not_drop_a_subject_that_was_asked_for(self, source):
        with pytest.raises(UsageError, match=r"names 2 .*subject_count=1 drops .*subject_count=0"):
            find_clips(source, DataConfig(subjects="s01,s02", subject_count=1))
        kept = find_clips(source, DataConfig(subjects="s01,s02", subject_count=2))
        assert kept.subjects == ("s01", "s02")

    def test_names_a_subject_that_was_asked_for_and_has_no_clip(self, source):
        with pytest.raises(DataError, match=r"no usable clip of smic s03, asked for"):
            find_clips(source, DataConfig(subjects="s01,s03"))

    def test_refuses_bad_clips_by_name_unless_told_to_go_on(self, source):
        for number in range(2, 7):
            bad = source.root / f"SMIC_all_cropped/HS/s2/micro/positive/s2_po_0{number}"
            bad.mkdir()
        with pytest.raises(DataError, match=r"smic has 5 unusable clips: .*s2_po_02.*and 1 more"):
            find_clips(source, DataConfig())
        kept = find_clips(source, DataConfig(skip_bad_clips=True))
        assert len(kept.clips) == 3


class TestGeneratedClipsOfTheCache:
    """They are what they were when they were first read, or the run stops."""

    CONFIG = DataConfig(size=16, frames=4)

    @pytest.fixture
    def source(self, tmp_path):
        source = resolve_source("samm", None, True, tmp_path)
        folder = surrogate_folder(source, self.CONFIG)
        self.write(folder)
        assert self.read(source) == self.read(source)
        return source

    def write(self, folder, **other):
        own = {"difficulty": self.CONFIG.difficulty, "version": self.CONFIG.surrogate_version}
        people = ["006", "007"]
        write_surrogate("samm", folder, **(own | other), size=16, subjects=people, workers=1)

    def read(self, source):
        return fingerprinted(find_clips(source, self.CONFIG), source, self.CONFIG).fingerprint

    def swap(clips):
        one, other = (min(clip.iterdir()) for clip in clips[:2])
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)

    def lose_a_frame(clips):
        max(clips[0].iterdir()).unlink()

    def lose_a_clip(clips):
        shutil.rmtree(clips[0])

    @pytest.mark.parametrize("damage", [swap, lose_a_frame, lose_a_clip])
    def test_are_as_they_were_made(self, source, damage):
        folder = surrogate_folder(source, self.CONFIG)
        damage(sorted((folder / "SAMM/006").iterdir()))
        with pytest.raises(DataError, match=r"not as they were made|unusable"):
            self.read(source)
        folder.rename(folder.with_name("elsewhere"))
        self.write(folder)
        self.read(source)

    @pytest.mark.parametrize("other", [{"difficulty": "hard"}, {"seed": 1}, {"version": 3}])
    def test_are_those_that_their_folder_is_named_for(self, source, other):
        folder = surrogate_folder(source, self.CONFIG)
        self.write(folder, **other)
        told = rf"holds other clips than it is named for \(data\.\w*{next(iter(other))} "
        with pytest.raises(DataError, match=told):
            self.read(source)


class TestPrepare:
    @pytest.mark.parametrize(("asked", "found"), [(1, 1), (3, 3), (None, 5)])
    def test_takes_as_many_processes_as_are_asked_for(
        self, tmp_path, trees, monkeypatch, asked, found
    ):
        """`--jobs N` of a run holds for its clips too; without it, one process per core."""
        clips = [f"s1/micro/negative/s1_ne_{n:02d}" for n in range(FEW_CLIPS + 1)]
        trees.smic(tmp_path / "data/SMIC_all_cropped/HS", clips)
        source = resolve_source("smic", tmp_path / "data", False, tmp_path)
        taken = []

        def load(clip_set, config, cache, progress, workers):
            taken.append(workers)
            return np.zeros((len(clip_set.clips), 2, 1))

        monkeypatch.setattr("bench.data.sources.load_videos", load)
        monkeypatch.setattr("bench.data.sources.usable_cores", lambda: 5)
        prepare(source, DataConfig(), lambda *now: None, workers=asked)
        assert taken == [found]
