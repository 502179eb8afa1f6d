"""`manifest:FILE.csv`: any clips by one door; every oddity is named, nothing leaves the root."""

from __future__ import annotations

import csv
import glob
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.data.cache import content_digests
from bench.data.clips import CHALLENGE_CLASSES, ClipSet
from bench.data.disk.images import decode, read_frames
from bench.data.disk.tree import Tree
from bench.data.sets.catalogue import load_clips, require_root
from bench.data.sets.manifests.export import labels_map, manifest_text
from bench.data.sets.manifests.rows import COLUMNS
from bench.data.steps.pipeline import preprocess_clip
from bench.data.steps.settings import Preprocessing
from bench.data.surrogates.writing import write_surrogate
from bench.errors import BenchError, DataError, UsageError

ROW = {"dataset": "mine", "subject": "a", "clip": "a1", "label": "negative", "frames": "a1"}


def images(folder: Path, numbers, size=(8, 8)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("RGB", size, (number % 256,) * 3).save(folder / f"img{number}.png")
    return folder


def noisy_video(path: Path, streams=1) -> None:
    """30 frames of noise, the same in each stream."""
    av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(path, "w", options=options) as container:
        views = [container.add_stream("mpeg4", rate=25) for _ in range(streams)]
        for view in views:
            view.width = view.height = 64
        for pixels in np.random.default_rng(0).integers(0, 255, (30, 64, 64, 3), np.uint8):
            for view in views:
                container.mux(view.encode(av.VideoFrame.from_ndarray(pixels)))
        for view in views:
            container.mux(view.encode())


def write(folder: Path, *rows: dict) -> str:
    path = folder / "clips.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**ROW, **row} for row in rows)
    return f"manifest:{path}"


def load(name: str, **options):
    return load_clips(name, require_root(name, None), **options)


def only_problem(clip_set):
    assert clip_set.clips == ()
    (problem,) = clip_set.problems
    assert problem.fatal
    return problem


def test_data_sets_written_differently_that_become_one_are_told(tmp_path):
    images(tmp_path / "a1", (1, 2))
    images(tmp_path / "b1", (3, 4))
    sets = [
        {"dataset": "CASME II", "subject": "1"},
        {"dataset": "casme2", "subject": "2", "frames": "b1"},
    ]
    found = load(write(tmp_path, *sets))
    told = [problem.what for problem in found.problems if problem.kind == "identity"]
    assert told == ["data sets 'CASME II' and 'casme2' are taken for one: casme2"]
    others = [{"dataset": "CASME"}, {"dataset": "CAS(ME)^2", "subject": "2", "frames": "b1"}]
    assert {clip.dataset for clip in load(write(tmp_path, *others)).clips} == {"casme", "CAS(ME)^2"}


@pytest.mark.parametrize(
    ("dataset", "names", "first"),
    [
        ("CASME2", ("p01", "p02"), "p01"),
        ("smic", ("1", "anna"), "anna"),
        ("casme2", ("1", "27"), "sub27"),
        ("CAS(ME)^3", ("spNO.1", "1a"), "1a"),
    ],
)
def test_subjects_that_a_known_set_does_not_have_are_told(tmp_path, dataset, names, first):
    for name in names:
        images(tmp_path / name, (len(name), len(name) + 3))
    rows = [{"dataset": dataset, "subject": n, "clip": n, "frames": n} for n in names]
    (problem,) = (p for p in load(write(tmp_path, *rows)).problems if "are none of" in p.what)
    assert f"of 2 subject(s), first '{first}', are none of " in problem.what
    assert (problem.kind, problem.fatal) == ("identity", False)
    other = [{**row, "dataset": "CAS(ME)^2"} for row in rows]
    assert not any("are none of" in p.what for p in load(write(tmp_path, *other)).problems)


class TestFrames:
    def test_a_folder_is_read_in_the_order_of_the_numbers(self, tmp_path):
        images(tmp_path / "a1", (2, 10, 9))
        (clip,) = load(write(tmp_path, {})).clips
        assert [path.name for path in clip.frames] == ["img2.png", "img9.png", "img10.png"]
        assert (clip.dataset, clip.subject, clip.name, clip.label) == ("mine", "a", "a1", 0)
        assert clip.apex is None and clip.fps == 200

    def test_onset_apex_and_offset_are_frame_numbers(self, tmp_path):
        images(tmp_path / "a1", range(1, 9))
        row = {"onset": 3, "apex": 5, "offset": "6.0", "fps": 100}
        (clip,) = load(write(tmp_path, row)).clips
        assert [path.stem for path in clip.frames] == ["img3", "img4", "img5", "img6"]
        assert (clip.apex, clip.fps) == (2, 100.0)

    @pytest.mark.parametrize(
        ("numbers", "count"), [({}, 4), ({"onset": "NA", "offset": "nan"}, 4), ({"onset": "2"}, 3)]
    )
    def test_a_missing_number_is_none(self, tmp_path, numbers, count):
        images(tmp_path / "a1", range(1, 5))
        (clip,) = load(write(tmp_path, numbers)).clips
        assert len(clip.frames) == count

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_a_folder_may_be_composed_otherwise_than_its_name_in_the_file(self, tmp_path, form):
        images(tmp_path / normalize(form, "M\u00fcller") / "a1", (1, 2))
        other = normalize("NFD" if form == "NFC" else "NFC", "M\u00fcller")
        assert len(load(write(tmp_path, {"frames": f"{other}/a1"})).clips) == 1
        images(tmp_path / other / "a1", (1, 2, 3))
        (clip,) = load(write(tmp_path, {"frames": f"{other}/a1"})).clips
        assert len(clip.frames) == 3

    @pytest.mark.parametrize(
        ("more", "row", "told"),
        [
            (["neutral_0"], {}, "names of 2 kinds (4 as img1.png, 1 as neutral_0.png)"),
            ([f"cam2_{n}" for n in range(11, 16)], {}, "(5 as cam2_11.png, 4 as img1.png)"),
            (["neutral_0"], {"onset": 1}, ""),
            (["IMG_5", "img006"], {"frames": "a1/[iI]*"}, "(5 as img1.png, 1 as IMG_5.png)"),
            (["img005", "img06"], {}, ""),
            ([f"cam{n // 5}_{n}" for n in range(5, 15)], {"frames": "a1/cam*"}, "5 as cam2_10.png"),
            ([f"t{n}_f{n + 3}" for n in range(5, 15)], {"frames": "a1/t*"}, ""),
            ([f"s01_EP02_{n}" for n in range(5, 15)], {"frames": "a1/s*"}, ""),
            (["rest"], {}, ""),
        ],
    )
    def test_names_of_several_kinds_are_told(self, tmp_path, more, row, told):
        images(tmp_path / "a1", range(1, 5))
        for name in more:
            Image.new("RGB", (8, 8)).save(tmp_path / "a1" / f"{name}.png")
        problems = [each.what for each in load(write(tmp_path, row)).problems]
        kinds = [what for what in problems if "names of" in what]
        assert len(kinds) == bool(told) and all(told in what for what in kinds)

    def test_a_glob_picks_among_files(self, tmp_path):
        images(tmp_path / "raw" / "a1", (1, 2))
        Image.new("RGB", (8, 8)).save(tmp_path / "raw" / "a1" / "other3.png")
        (clip,) = load(write(tmp_path, {"frames": "raw/a?/img*.png"})).clips
        assert [path.name for path in clip.frames] == ["img1.png", "img2.png"]

    def test_one_image_is_a_clip_of_one_frame(self, tmp_path):
        images(tmp_path, (7,))
        clip_set = load(write(tmp_path, {"frames": "img7.png"}))
        (clip,) = clip_set.clips
        assert len(clip.frames) == 1
        assert [problem.kind for problem in clip_set.problems] == ["single_frame"]

    @pytest.mark.parametrize("shape", [(6, 5, 4), (6, 5, 4, 1), (6, 5, 4, 3)])
    def test_an_array_holds_a_clip(self, tmp_path, shape):
        array = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
        np.save(tmp_path / "a1.npy", array)
        row = {"frames": "a1.npy", "onset": 1, "apex": 3, "offset": 4}
        (clip,) = load(write(tmp_path, row)).clips
        assert clip.apex == 2
        video = decode(clip, read_frames(clip))
        assert np.array_equal(video, array[1:5].reshape(4, 5, 4, -1))
        assert preprocess_clip(clip, Preprocessing(3, 8)).shape == (3, 8, 8, 3)

    def test_two_spans_of_one_file_are_two_clips(self, tmp_path):
        np.save(tmp_path / "all.npy", np.zeros((9, 4, 4), np.uint8))
        rows = [
            {"clip": "one", "frames": "all.npy", "onset": 0, "offset": 3},
            {"clip": "two", "frames": "all.npy", "onset": 4, "offset": 8},
        ]
        clips = load(write(tmp_path, *rows)).clips
        assert len(set(content_digests(clips, tmp_path / "cache"))) == 2

    def test_a_video_holds_a_clip(self, tmp_path):
        av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")
        with av.open(tmp_path / "a1.mp4", "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width = stream.height = 64
            for level in range(0, 200, 20):
                pixels = np.full((64, 64, 3), level, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
            container.mux(stream.encode())
        row = {"frames": "a1.mp4", "onset": 2, "offset": 6}
        (clip,) = load(write(tmp_path, row)).clips
        video = decode(clip, read_frames(clip))
        assert video.shape == (5, 64, 64, 3)
        assert np.abs(video.mean((1, 2, 3)) - np.arange(40, 140, 20)).max() < 4

    @pytest.mark.parametrize(("name", "share"), [("a.mp4", 0.9), ("a.mp4", 0.5), ("a.mkv", 0.05)])
    def test_a_video_that_was_cut_off_is_refused(self, tmp_path, name, share):
        noisy_video(tmp_path / name)
        (clip,) = load(write(tmp_path, {"frames": name})).clips
        whole = read_frames(clip)[0]
        assert len(decode(clip, [whole])) == 30
        with pytest.raises(DataError, match=r"cut off: .* copy it again"):
            decode(clip, [whole[: int(share * len(whole))]])

    def test_a_video_that_was_damaged_or_holds_two_is_refused(self, tmp_path):
        noisy_video(tmp_path / "a.avi")
        noisy_video(tmp_path / "b.mkv", streams=2)
        rows = [{"frames": "a.avi"}, {"clip": "b", "frames": "b.mkv"}]
        clip, two = load(write(tmp_path, *rows)).clips
        with pytest.raises(DataError, match="holds 2 videos; write each into a file of its own"):
            decode(two, read_frames(two))
        parts = read_frames(clip)[0].split(b"00dc")  # one a frame, after the header
        parts[15] = parts[15][:100] + bytes(200) + parts[15][300:]
        with pytest.raises(DataError, match=r"damaged or cut off: frame 1\d is not whole"):
            decode(clip, [b"00dc".join(parts)])

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"no array", "cannot be read"),
            (np.zeros((2, 3), np.uint8), "shape (2, 3)"),
            (np.zeros((2, 3, 3, 3), np.float32), "float32"),
            (np.zeros((30, 40, 3), np.uint8), "may be (H, W, colours) or (H, W, T)"),
            (np.zeros((30, 40, 1), np.uint8), "may be (H, W, colours) or (H, W, T)"),
            (np.zeros((30, 30, 9), np.uint8), "may be (H, W, colours) or (H, W, T)"),
            (np.array([{"a": 1}]), "cannot be read"),  # a pickle, which is never loaded
            (np.zeros((2, 3, 4), np.uint8), "no frames 0..4"),
        ],
    )
    def test_an_array_that_is_no_clip_is_refused(self, tmp_path, content, said):
        if isinstance(content, bytes):
            (tmp_path / "a1.npy").write_bytes(content)
        else:
            np.save(tmp_path / "a1.npy", content, allow_pickle=True)
        row = {"frames": "a1.npy", "onset": 0, "offset": 4}
        (clip,) = load(write(tmp_path, row)).clips
        with pytest.raises(DataError) as error:
            decode(clip, read_frames(clip))
        assert said in str(error.value) and "a1.npy" in str(error.value)
        assert "\n" not in str(error.value)


class TestPlaces:
    @pytest.mark.parametrize("frames", ["../secret", "/etc", "a/../../secret", ".."])
    def test_nothing_outside_is_read(self, tmp_path, frames):
        images(tmp_path / "secret", (1, 2))
        (tmp_path / "home" / "a").mkdir(parents=True)
        problem = only_problem(load(write(tmp_path / "home", {"frames": frames})))
        assert problem.kind == "outside" and "--allow-outside" in problem.what

    def test_unless_it_is_allowed(self, tmp_path):
        secret = images(tmp_path / "secret", (1, 2))
        (tmp_path / "home").mkdir()
        for frames in ("../secret", str(secret)):
            name = write(tmp_path / "home", {"frames": frames})
            (clip,) = load(name, allow_outside=True).clips
            assert len(clip.frames) == 2

    def test_links_out_of_the_folder_are_not_followed(self, tmp_path):
        images(tmp_path / "secret", (1, 2))
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "a1").symlink_to(tmp_path / "secret")
        problem = only_problem(load(write(tmp_path / "home", {})))
        assert problem.kind == "missing"

    def test_a_folder_of_videos_says_what_lies_there(self, tmp_path):
        (tmp_path / "a1").mkdir()
        for name in ("a.avi", "b.avi"):
            (tmp_path / "a1" / name).touch()
        problem = only_problem(load(write(tmp_path, {})))
        assert problem.kind == "missing" and "2 file(s) there (.avi)" in problem.what

    @pytest.mark.parametrize("frames", ["{root}/b/a1", "../home/b/a1", "b/../b/a1", "b//a1/*.png"])
    def test_a_path_that_stays_inside_is_inside(self, tmp_path, frames):
        home = tmp_path / "home"
        images(home / "b" / "a1", (1, 2))
        clip_set = load(write(home, {"frames": frames.format(root=home)}))
        assert [len(clip.frames) for clip in clip_set.clips] == [2]

    @pytest.mark.parametrize(
        "frames", ["E:/mer/b/a1", "\\\\nas\\share\\b\\a1", "/no_such_disk/mer/b/a1"]
    )
    def test_a_path_of_another_computer_says_what_to_write(self, tmp_path, frames):
        images(tmp_path / "b" / "a1", (1, 2))
        problem = only_problem(load(write(tmp_path, {"frames": frames})))
        assert "means nothing here" in problem.what and ": b/a1 is there" in problem.what
        assert "allow-outside" not in problem.what


class TestLabels:
    @pytest.mark.parametrize("labels", [("0", "1"), ("3", "17")])
    @pytest.mark.parametrize("tried", ["challenge", "native"])
    def test_advice_on_numbers_helps(self, tmp_path, labels, tried):
        images(tmp_path / "a1", (1, 2))
        known = {"dataset": "casme2", "subject": "1"}
        rows = ({"clip": label, "label": label, **known} for label in labels)
        name = write(tmp_path, *rows)
        advice = {
            problem.what.partition(";")[2] for problem in load(name, class_map=tried).problems
        }
        (one,) = advice
        assert "--set data.class_map=0=negative,1=positive,2=surprise" in one
        assert "native" not in one
        inline = f"{labels[0]}=surprise,{labels[1]}=negative,2=positive"
        clip_set = load(name, class_map=inline)
        assert clip_set.classes == ("negative", "positive", "surprise")
        assert {clip.name: clip.label for clip in clip_set.clips} == {labels[0]: 2, labels[1]: 0}

    @pytest.mark.parametrize(("word", "tried"), [("Negative", "native"), ("joy", "challenge")])
    def test_advice_names_no_map_that_is_in_force(self, tmp_path, word, tried):
        images(tmp_path / "a1", (1, 2))
        name = write(tmp_path, {"dataset": "samm", "subject": "6", "label": word})
        (problem,) = load(name, class_map=tried).problems
        assert f"data.class_map={tried}" not in problem.what and "data.class_map=" in problem.what

    @pytest.mark.parametrize(
        "text", ["0=a", "0=a,0=b", "0=a,1", "=a,1=b", "0==a,1=b", "0=a;1=b,2=c", "0=a,1=\u202eb"]
    )
    def test_a_bad_inline_map_is_refused(self, tmp_path, text):
        images(tmp_path / "a1", (1, 2))
        with pytest.raises(UsageError, match=r"data\.class_map"):
            load(write(tmp_path, {}), class_map=text)

    def test_words_of_a_known_set_are_mapped_and_others_dropped(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        rows = [
            {"dataset": "casme2", "subject": "1", "label": "Disgust"},
            {"dataset": "casme2", "subject": "1", "clip": "a2", "label": "others"},
            {"dataset": "samm", "subject": "6", "clip": "a3", "label": "surprise"},
        ]
        clip_set = load(write(tmp_path, *rows))
        assert [(clip.name, clip.label) for clip in clip_set.clips] == [("a1", 0), ("a3", 2)]
        left_out, twin = clip_set.problems
        assert left_out.what == "the class map challenge leaves out 1 clip(s): 'others' 1"
        assert (twin.kind, twin.fatal) == ("twin", False)
        assert "casme2 sub01/a1, of another subject" in twin.what

    def test_a_label_outside_the_map_is_named_with_what_to_do(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        problem = only_problem(load(write(tmp_path, {"label": "awe"})))
        assert problem.kind == "label"
        assert "'awe'" in problem.what and "data.class_map=native" in problem.what

    def test_native_keeps_the_labels(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        name = write(tmp_path, {"label": "Joy"}, {"clip": "b", "label": "awe"})
        clip_set = load(name, class_map="native")
        assert clip_set.classes == ("awe", "joy")
        assert [clip.label for clip in clip_set.clips] == [1, 0]

    def test_a_file_maps_words_and_drops_those_without_a_class(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        mapping = tmp_path / "map.csv"
        mapping.write_text("emotion,class\njoy,high\nawe,low\nother,\n")
        labels = {"a": "joy", "b": "AWE", "c": "other"}
        rows = ({"clip": clip, "label": label} for clip, label in labels.items())
        clip_set = load(write(tmp_path, *rows), class_map=str(mapping))
        assert clip_set.classes == ("high", "low")
        assert [clip.label for clip in clip_set.clips] == [0, 1]
        assert clip_set.class_map == "map.csv"
        (told,) = (each.what for each in clip_set.problems if each.kind == "label")
        assert told == "the class map map.csv leaves out 1 clip(s): 'other' 1"

    @pytest.mark.parametrize("dataset", ["CASME II", "casme2", "CASME \u2161"])
    def test_a_file_may_call_a_known_set_as_manifests_do(self, tmp_path, dataset):
        images(tmp_path / "a1", (1, 2))
        mapping = tmp_path / "map.csv"
        rows = f"{dataset},joy,high\n,joy,low\nlab7,awe,low\n"
        mapping.write_text(f"dataset,emotion,class\n{rows}")
        found = load(write(tmp_path, {"dataset": "casme2", "label": "joy"}), class_map=str(mapping))
        assert [found.classes[clip.label] for clip in found.clips] == ["high"]
        (told,) = (each.what for each in found.problems if each.kind == "label")
        assert told == "rows of the class map map.csv are of no data set here: 'lab7'"

    @pytest.mark.parametrize(
        ("class_map", "kept", "told"),
        [
            ("challenge", {"disgust"}, ["'sadness' 1, 'fear' 1"]),
            ("native", {"disgust", "sadness", "fear"}, []),
        ],
    )
    def test_words_of_a_known_set_are_counted_where_they_are_left_out(
        self, tmp_path, class_map, kept, told
    ):
        words = ("disgust", "sadness", "fear")
        rows = []
        for number, word in enumerate(words):
            images(tmp_path / word, (number, 9))
            rows.append({"dataset": "casme2", "clip": word, "label": word, "frames": word})
        found = load(write(tmp_path, *rows), class_map=class_map)
        assert {clip.emotion for clip in found.clips} == kept
        lost = [each.what for each in found.problems if "leaves out" in each.what]
        assert [what.partition("clip(s): ")[2] for what in lost] == told

    @pytest.mark.parametrize("order", ["positive surprise negative", "surprise negative positive"])
    def test_a_file_of_the_challenges_classes_has_their_order(self, tmp_path, order):
        images(tmp_path / "a1", (1, 2))
        mapping = tmp_path / "map.csv"
        mapping.write_text("emotion,class\n" + "".join(f"{w},{w}\n" for w in order.split()))
        found = load(write(tmp_path, {}), class_map=str(mapping))
        assert found.classes == ("negative", "positive", "surprise")

    def test_a_long_map_in_the_command_is_a_map(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        pairs = ",".join(f"a_long_word_number_{number}=x{number % 2}" for number in range(60))
        assert len(load(write(tmp_path, {}), class_map=f"negative=x0,{pairs}").clips) == 1

    def test_an_empty_label_is_no_class(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        rows = ({"label": "joy"}, {"clip": "b", "label": "awe"}, {"clip": "c", "label": ""})
        clip_set = load(write(tmp_path, *rows), class_map="native")
        assert clip_set.classes == ("awe", "joy")
        assert [p.kind for p in clip_set.problems if p.fatal] == ["label"]

    @pytest.mark.parametrize("name", ["challenge", "native"])
    def test_a_map_called_like_a_built_in_one_is_another(self, tmp_path, name):
        images(tmp_path / "a1", (1, 2))
        (tmp_path / name).write_text("emotion,class\njoy,high\nawe,low\n")
        clip_set = load(write(tmp_path, {"label": "joy"}), class_map=str(tmp_path / name))
        assert clip_set.class_map == f"file {name}"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("word,class\na,b\n", "columns emotion and class"),
            ("emotion,class\njoy,a\njoy,b\n", "twice"),
            ("emotion,class\njoy,a\n", "1 class"),
        ],
    )
    def test_a_bad_map_is_refused(self, tmp_path, text, said):
        images(tmp_path / "a1", (1, 2))
        (tmp_path / "map.csv").write_text(text)
        with pytest.raises(DataError, match=said):
            load(write(tmp_path, {}), class_map=str(tmp_path / "map.csv"))
        with pytest.raises(UsageError, match="there is no such file"):
            load(write(tmp_path, {}), class_map=str(tmp_path / "none.csv"))


class TestOddRows:
    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ({"onset": "three"}, "'three' is no frame number"),
            ({"onset": "1,000"}, "'1,000' is no frame number"),
            ({"onset": 5, "offset": 3}, "before onset"),
            ({"onset": 50, "offset": 60}, "no frame between"),
            ({"frames": "nowhere"}, "no image"),
            ({"frames": ""}, "empty"),
            ({"clip": "../x"}, "cannot be a name"),
            ({"subject": ".."}, "cannot be a name"),
            ({"subject": "a\u009b31m"}, "'a\\\\x9b31m' cannot be a name"),
            ({"clip": "\u202ea"}, "'\\\\u202ea' cannot be a name"),
            ({"fps": "-1"}, "no frame rate"),
        ],
    )
    def test_is_left_out_and_named(self, tmp_path, row, said):
        images(tmp_path / "a1", (1, 2, 3))
        problem = only_problem(load(write(tmp_path, row)))
        assert problem.where.startswith("clips.csv row 2 (") and said in problem.what

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ({"dataset": "# end", "subject": "", "clip": "", "label": "", "frames": ""}, True),
            ({"dataset": "total", "subject": "24", "clip": "", "label": "", "frames": ""}, True),
            ({"dataset": "#lab", "frames": "nowhere"}, True),
            ({"frames": ""}, False),
            ({"frames": "nowhere"}, False),
        ],
    )
    def test_that_looks_like_a_remark_or_a_total_is_said_to(self, tmp_path, row, told):
        images(tmp_path / "a1", (1, 2, 3))
        clip_set = load(write(tmp_path, {}, row))
        assert len(clip_set.clips) == 1
        (problem,) = [each for each in clip_set.problems if each.fatal]
        assert ("looks like a remark or a total" in problem.what) == told

    def test_a_clip_twice_is_named(self, tmp_path):
        images(tmp_path / "a1", (1, 2))
        clip_set = load(write(tmp_path, {}, {}))
        assert len(clip_set.clips) == 1
        assert [problem.kind for problem in clip_set.problems] == ["duplicate"]

    @pytest.mark.parametrize("labels", [("others", "positive"), ("positive", "others")])
    def test_a_clip_twice_is_named_where_one_label_is_left_out(self, tmp_path, labels):
        images(tmp_path / "a1", (1, 2))
        rows = [{"label": label} for label in labels]
        clip_set = load(write(tmp_path, *rows), class_map="positive=yes,negative=no,others=")
        assert [problem.kind for problem in clip_set.problems] == ["label", "duplicate"]


class TestTheFile:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "lacks the column"),
            (b"dataset,subject\n1,2\n", "clip, label, frames"),
            (b"dataset,subject,clip,label,frames\n", "lists no clip"),
            (b"dataset,subject,clip,label,frames\na,b\n", "row 2 has 2 cells, its header 5"),
            (b"\xff\xfe\x00", "is no text"),
        ],
    )
    def test_that_is_no_manifest_is_refused(self, tmp_path, content, said):
        (tmp_path / "clips.csv").write_bytes(content)
        with pytest.raises(DataError, match=said):
            load(f"manifest:{tmp_path / 'clips.csv'}")

    def test_that_is_absent_is_a_mistake_of_the_user(self, tmp_path):
        with pytest.raises(UsageError, match="does not exist"):
            load(f"manifest:{tmp_path / 'none.csv'}")

    cell = st.text(max_size=12)

    @given(st.lists(st.lists(cell, max_size=10), max_size=4), st.booleans())
    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_of_any_content_ends_in_named_problems(self, tmp_path, rows, headed):
        images(tmp_path / "a1", (1, 2))
        path = tmp_path / "clips.csv"
        with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
            writer = csv.writer(file)
            if headed:
                writer.writerow(COLUMNS)
            for row in rows:
                try:
                    writer.writerow(row)
                except csv.Error:
                    return
        try:
            clip_set = load(f"manifest:{path}", allow_outside=False)
        except BenchError as error:
            assert "\n" not in str(error)
            return
        listed = sum(any(cell.strip() for cell in row) for row in rows)
        fatal = [problem for problem in clip_set.problems if problem.fatal]
        assert len(clip_set.clips) + len(fatal) <= listed
        assert all("\n" not in problem.what for problem in clip_set.problems)


@pytest.mark.parametrize(
    ("dataset", "subjects"), [("smic", ["s05"]), ("casme2", ["sub13"]), ("samm", ["037"])]
)
def test_an_exported_set_reads_back_as_it_was(tmp_path, dataset, subjects):
    write_surrogate(dataset, tmp_path, size=16, subjects=subjects, workers=1)
    original = load_clips(dataset, tmp_path, subjects)
    text, outside = manifest_text(original, tmp_path / "all.csv")
    (tmp_path / "all.csv").write_text(text)
    again = load(f"manifest:{tmp_path / 'all.csv'}")
    assert not outside
    assert again.classes == original.classes
    kept = [(c.dataset, c.subject, c.name, c.label, c.frames, c.apex, c.fps) for c in again.clips]
    assert kept == [
        (c.dataset, c.subject, c.name, c.label, c.frames, c.apex, c.fps) for c in original.clips
    ]
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    text, outside = manifest_text(original, elsewhere / "all.csv")
    (elsewhere / "all.csv").write_text(text)
    assert outside
    assert len(load(f"manifest:{elsewhere / 'all.csv'}", allow_outside=True).clips) == len(kept)


@pytest.mark.parametrize(
    ("spans", "labels", "told"),
    [
        (((1, 9), (2, 10)), ("positive", "negative"), "8 of its 9 frames are also frames of"),
        (((1, 9), (2, 10)), ("positive", "positive"), "8 of its 9 frames are also frames of"),
        (((1, 5), (4, 10)), ("positive", "negative"), "2 of its 7 frames are also frames of"),
        (((1, 5), (4, 10)), ("positive", "positive"), ""),
        (((1, 5), (5, 10)), ("positive", "negative"), ""),
    ],
)
@pytest.mark.parametrize("stored", ["images", "array"])
def test_expressions_of_one_person_that_overlap_are_told(tmp_path, spans, labels, told, stored):
    images(tmp_path / "a1", range(1, 11))
    np.save(tmp_path / "a1.npy", np.zeros((12, 4, 5, 1), np.uint8))
    frames = "a1" if stored == "images" else "a1.npy"
    rows = [
        {"clip": f"c{first}", "onset": first, "offset": last, "label": label, "frames": frames}
        for (first, last), label in zip(spans, labels, strict=True)
    ]
    twins = [each for each in load(write(tmp_path, *rows)).problems if each.kind == "twin"]
    assert len(twins) == bool(told) and all(told in each.what for each in twins)
    assert all((", of another class" in t.what) == (len({*labels}) > 1) for t in twins)


def test_native_classes_of_the_releases(tmp_path):
    write_surrogate("samm", tmp_path, size=16, subjects=["037"], workers=1)
    clip_set = load_clips("samm", tmp_path, ["037"], class_map="native")
    assert len(clip_set.classes) == 7 and clip_set.class_map == "native"
    assert [clip_set.classes[clip.label] for clip in clip_set.clips] == [
        clip.emotion for clip in clip_set.clips
    ]
    with pytest.raises(UsageError, match="different classes of their own"):
        load_clips("composite", tmp_path, ["037"], class_map="native")


def test_a_link_in_a_folder_of_all_clips_is_told_once(tmp_path):
    images(tmp_path / "all", (1, 2))
    (tmp_path / "all" / "img3.png").symlink_to(tmp_path.parent)
    rows = [{"clip": f"a{n}", "frames": f"all/img{n}*"} for n in (1, 2)]
    (problem,) = [p for p in load(write(tmp_path, *rows)).problems if p.kind == "link"]
    assert "img3.png" in problem.what


def test_frames_behind_a_link_are_read_where_that_is_allowed_and_the_link_is_named(tmp_path):
    images(tmp_path / "disk" / "a1", (1, 2))
    root = tmp_path / "root"
    root.mkdir()
    (root / "clips").symlink_to(tmp_path / "disk")
    name = write(root, {"frames": "clips/a1"})
    problem = only_problem(load(name))
    assert problem.kind == "missing" and "followed by --allow-outside alone" in problem.what
    (clip,) = load(name, allow_outside=True).clips
    assert [path.name for path in clip.frames] == ["img1.png", "img2.png"]
    _, outside = manifest_text(load(name, allow_outside=True), root / "again.csv")
    assert outside


def test_frames_of_several_folders_are_not_exported_as_those_of_one(tmp_path):
    for number in (1, 2):
        images(tmp_path / f"part{number}", (number,))
    clip_set = load(write(tmp_path, {"frames": "part*/*.png"}))
    with pytest.raises(DataError, match="frames in 2 folders"):
        manifest_text(clip_set, tmp_path / "again.csv")


@pytest.mark.parametrize(
    "names",
    [
        ["p1_a_{}.png", "p1_b_{}.png"],
        ["{}_left.png", "{}_right.png"],
        ["img{}.png", "img{}.bmp"],
        ["[x]_{}.png", "x_{}.png"],
    ],
)
def test_clips_of_one_folder_are_exported_each_with_its_own_frames(tmp_path, names):
    (tmp_path / "mix").mkdir()
    for name in names:
        for number in range(1, 12):
            Image.new("RGB", (8, 8)).save(tmp_path / "mix" / name.format(number))
    globs = [f"mix/{glob.escape(name.format('x')).replace('x', '*', 1)}" for name in names[:2]]
    globs = ["mix/[[]x]_*.png", "mix/x_*.png"] if names[0].startswith("[") else globs
    rows = [{"clip": f"c{n}", "frames": each} for n, each in enumerate(globs)]
    found = load(write(tmp_path, *rows))
    assert [len(clip.frames) for clip in found.clips] == [11, 11]
    (tmp_path / "again.csv").write_text(manifest_text(found, tmp_path / "again.csv")[0])
    again = load(f"manifest:{tmp_path / 'again.csv'}")
    assert [clip.frames for clip in again.clips] == [clip.frames for clip in found.clips]
    assert not again.problems


def test_frames_that_no_row_gives_back_are_not_exported(tmp_path):
    images(tmp_path / "a1", (1, 2, 3, 4))
    (clip,) = load(write(tmp_path, {})).clips
    found = load(write(tmp_path, {}))
    few = replace(found, clips=(replace(clip, frames=clip.frames[::2]),))
    with pytest.raises(DataError, match="into a folder of its own"):
        manifest_text(few, tmp_path / "again.csv")


def test_a_class_map_of_other_words_does_not_read_an_export():
    found = ClipSet("x", ("good", "bad"), (), (), "happy=good,sad=bad")
    assert labels_map(found, "happy=good,sad=bad") == "good=good,bad=bad"
    assert labels_map(replace(found, classes=CHALLENGE_CLASSES), "a.csv") == "challenge"
    assert labels_map(replace(found, class_map="native"), "native") == "native"


@pytest.mark.parametrize("frames", ["{0}", "all/c{0}_*.png"])
def test_a_folder_is_listed_once_however_many_rows_look_into_it(tmp_path, monkeypatch, frames):
    names = [f"{number}" for number in range(30)]
    for name in names:
        images(tmp_path / name, range(3))
        for number in range(3):
            (tmp_path / "all").mkdir(exist_ok=True)
            Image.new("L", (8, 8)).save(tmp_path / f"all/c{name}_{number}.png")
    rows = [f"mine,a,c{name},negative,{frames.format(name)}" for name in names]
    (tmp_path / "m.csv").write_text("\n".join(["dataset,subject,clip,label,frames", *rows]))
    listed, scan = [], Tree._scan

    def noted(tree, place):
        listed.append(place)
        return scan(tree, place)

    monkeypatch.setattr(Tree, "_scan", noted)
    found = load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path)
    assert len(found.clips) == 30
    assert len(listed) == len(set(listed)) > 1
