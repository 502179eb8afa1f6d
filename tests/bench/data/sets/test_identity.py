"""One person under one name, and names that two people cannot have."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.clips import CHALLENGE_CLASSES, Clip, problem_lines
from bench.data.disk.finding import letters
from bench.data.sets.catalogue import DATASETS, load_clips
from bench.data.sets.challenge import NATIVE_CLASSES
from bench.data.sets.identity import (
    known_name,
    known_subject,
    look_alikes,
    plain_name,
    refuse_collisions,
    sets_of_several_names,
)
from bench.errors import UsageError


def clip(subject: str, name: str = "c", dataset: str = "mine") -> Clip:
    return Clip(dataset, subject, name, 0, (), None, "negative", 200.0)


@pytest.mark.parametrize(
    ("dataset", "spellings", "name"),
    [
        ("casme2", ("7", "007", "s7", "SUB_07", "Subject 7", "7.0", "sub07"), "sub07"),
        ("smic", ("3", "S03", "sub3", "subject-3"), "s03"),
        ("samm", ("6", "6.0", "s006", "Sub6", "0006"), "006"),
        ("casme3", ("12", "spno.12", "s12"), "spNO.12"),
        ("4dme", ("1", "sub_01", "S1"), "01"),
        ("mmew", ("4", "s4", "Sub04"), "S04"),
    ],
)
def test_a_person_of_a_known_set_has_one_name(dataset, spellings, name):
    assert {known_subject(dataset, text, DATASETS) for text in spellings} == {name}
    assert DATASETS[dataset].resolve_subjects(spellings) == (name,)


@pytest.mark.parametrize("text", ["anna", "sub", "1a", "x7", "12345", "-1"])
def test_other_names_stay(text):
    assert known_subject("casme2", text, DATASETS) == text
    assert known_subject("mine", text, DATASETS) == text


def test_data_sets_have_one_name():
    names = ("CASME II", "casme2", "Casme-2", "SMIC-HS", "SAMM", "CAS(ME)^3", "mine", "composite")
    known = ["casme2", "casme2", "casme2", "smic", "samm", "casme3", "mine", "composite"]
    assert [known_name(name, DATASETS) for name in names] == known


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("CASME \u2161", "casme2"), ("\uff23ASME\u30002", "casme2"), ("CAS(ME)\u00b3", "casme3")],
        *[(text, text) for text in ("CAS(ME)\u00b2", "CAS(ME)^2", "CAS(ME)2", "CASME^2")],
        *[("CASME\u6570\u636e", "CASME\u6570\u636e"), ("SAMM+", "SAMM+")],
    ],
)
def test_signs_of_other_scripts_and_powers_are_part_of_a_data_sets_name(text, name):
    assert known_name(text, DATASETS) == name
    assert letters("CAS(ME)\u00b2_cropped") == "casmesqcropped"  # no folder of CASME or CASME II


def test_data_sets_that_become_one_are_told():
    def told(*names: str) -> list[str]:
        pairs = ((name, known_name(name, DATASETS)) for name in names)
        return [what for _, what in sets_of_several_names(pairs)]

    assert told("CASME II", "casme2", "mine") == [
        "data sets 'CASME II' and 'casme2' are taken for one: casme2"
    ]
    assert len(told("SMIC", "SMIC-HS")) == 1
    assert not told("CASME II", "casme-ii", "CASME_II", "CAS(ME)^3", "casme3", "CAS(ME)^2")


@pytest.mark.parametrize(
    ("one", "other"),
    [("CAS(ME)^2", "CAS(ME)\u00b2"), ("my set", "My-Set"), ("casmesq", "CAS(ME)2")],
)
def test_names_of_other_sets_that_differ_by_signs_may_be_one(one, other):
    (problem,) = look_alikes([(one, "1", "c"), (other, "1", "c"), ("\u6570\u636e1", "1", "c")])
    assert problem.what.startswith("data sets ") and "may be one" in problem.what


def alike(*subjects: str, clips: tuple[str, ...] = ("c",), classes: tuple[str, ...] = ()) -> list:
    return list(look_alikes([("mine", who, name) for who in subjects for name in clips], classes))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("P01", "p1"), ("subject 3", "s03"), ("anna-b", "Anna B"), ("2", "2.0"), ("S100", "100")],
        ("anna", "\u0430nna"),  # a Cyrillic a
        ("HANS", "\u0397\u0391N\u0405"),  # Greek eta and alpha, Cyrillic dze
        ("J\u00fcrg", "Ju\u0308rg"),
        ("s1", "\uff531"),
        *[("p01", "pO1"), ("p01", "p0l"), ("s10", "s1o"), ("spNO.1", "spNO1"), ("l0", "sub1O")],
        ("006", "006_flip"),
        ("Anna", "anna-mirrored"),
        *[("p01", "p01 (1)"), ("P01", "p01 - Copy"), ("flip_p01", "p01"), ("aug1-anna", "Anna")],
    ],
)
def test_look_alikes_are_warned_of(one, other):
    (problem,) = alike(one, other, "9")
    assert not problem.fatal and repr(one) in problem.what and repr(other) in problem.what
    strange = [f"U+{ord(letter):04X}" for letter in one + other if not letter.isascii()]
    assert all(code in problem.what for code in strange)
    assert not list(look_alikes([("mine", one, "c"), ("others", other, "c")]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("p1", "p10"), ("anna", "anne"), ("1a", "10a"), ("\u044f", "\u044e"), ("PO", "P0")],
        *[("spNO.1", "spNO.10"), ("karol1", "karo2"), ("p1i", "p11"), ("sol", "s01")],
    ],
)
def test_others_are_not(one, other):
    assert not alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("001", "1"), ("EP1_02", "ep1_2"), ("a\u0301", "\u00e1"), ("\u0435p", "ep"), ("a ", "a")],
)
def test_clips_and_classes_that_look_alike_are_warned_of(one, other):
    (problem,) = alike("s1", clips=(one, other))
    assert "may be one, counted twice" in problem.what and problem.where == "mine s1"
    assert not list(look_alikes([("mine", "s1", one), ("mine", "s2", other)]))
    if "1" not in other:
        (problem,) = alike("s1", classes=(one, other))
        assert problem.what.startswith("classes ") and "may be one" in problem.what


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[
            ("a_w0", "a_w1"),
            ("a", "a_flip"),
            ("a.mp4", "A_flipped.mp4"),
            ("a_w0_flip", "a_w0"),
            ("a_crop0", "a_crop4"),
        ],
        *[("c00_1", "c00_1 (1)"), ("c00_1.avi", "c00_1(2).mp4"), ("c00_1 2", "c00_1")],
        *[("c1", "c1 copy"), ("c1 copy 2", "c1 copy"), ("c1", "C1 - Copy (2)"), ("c1", "c1_copy2")],
        *[("c1 (copy)", "c1"), ("c1 (another copy)", "c1 (3rd copy)"), ("Copy of c1", "c1")],
        *[("c1 - Kopie.avi", "c1.avi"), ("c1 - \u526f\u672c", "c1")],
        *[("aug0/c00_1", "aug1/c00_1"), ("original/c1", "flipped/c1"), ("x/c1", "x_rot5/c1")],
        *[("aug\\c1.avi", "orig\\c1.avi"), ("c1_bright", "c1"), ("c1_noise2", "c1_blur")],
        *[("a-mirrored", "a"), ("a_hflip", "a_win12"), ("a_aug1", "a_aug2")],
        *[("c1_frame46", "c1_frame47"), ("a_seg1", "a_seg2"), ("a_chunk01.mp4", "a_part2")],
        *[("a_apex-1", "a_apex"), ("a", "a_apex+1"), ("a_seed0", "a_seed1")],
        ("a_run1", "a_epoch2"),
        *[("a", "flip_a"), ("aug1_a", "rot10_a"), ("w0_a", "w1_a"), ("seed0-a", "seed1-a")],
        *[("mirror_a.mp4", "a.avi"), ("x/flip_a", "x/a"), ("aug_w0_a_flip", "a")],
        *[("a_it100", "a_it200"), ("a_fold1", "a_fold2"), ("a_view1", "a_cam2"), ("a", "a_10deg")],
        *[("cam1/a", "cam2/a"), ("a", "a_e10"), ("a_r0", "a")],
    ],
)
def test_windows_and_mirrored_copies_of_a_clip_are_no_clips_of_their_own(one, other):
    (problem,) = alike("s1", clips=(one, other, "b_w0"))
    assert problem.what.startswith(f"clips {one!r}") and f"and {other!r} may be one" in problem.what


@pytest.mark.parametrize(
    "clips",
    [
        *[("a_1", "a_2"), ("flip", "w1", "w2"), ("EP02_01f", "EP02_01"), ("a_w", "a_x")],
        *[("EP01_5", "EP01_1"), ("s01_ne_01", "s01_ne_02"), ("happy/1", "sad/1"), ("p1/a", "p2/a")],
        *[("a (1)", "a (2)"), ("happy", "happy 2"), ("1 1", "1 2"), ("aug", "copy", "orig")],
        *[("a_e1", "a_e2"), ("a_r0", "a_r1"), ("e1", "e2"), ("flip_1", "flip_2"), ("w0", "w1_")],
        *[("view_a", "view_b"), ("foldera", "a"), ("it_1", "it_2"), ("croissant_1", "1")],
        *[("week1/c1", "week2/c1"), ("photocopy", "photo"), ("original/a", "original/b")],
    ],
)
def test_clips_with_numbers_of_their_own_are_no_variants(clips):
    assert not alike("s1", clips=clips)


@pytest.mark.parametrize(
    "clips",
    [
        ("ep1/img46.jpg", "ep1/img47.jpg"),
        ("s1/ep1/reg_img46.bmp", "s1/ep1/reg_img47.bmp", "s1/ep2/reg_img1.bmp"),
        ("ep1\\frame_001.png", "ep1\\frame_002.png"),
    ],
)
def test_frames_of_a_clip_are_no_clips_of_their_own(clips):
    others = [("mine", "s2", "ep9/img1.jpg"), ("mine", "s2", "ep8/img1.jpg")]
    (problem,) = look_alikes([*(("mine", "s1", clip) for clip in clips), *others])
    assert problem.what.startswith(f"clips {clips[0]!r} and {clips[1]!r} may be one, counted twice")


def test_frames_in_folders_that_are_called_alike_for_all_people():
    names = [
        ("m", who, f"{c}/img4{n}.jpg") for who in ("a", "b") for c in ("c1", "c2") for n in "67"
    ]
    problems = list(look_alikes(names))
    assert [problem.where for problem in problems] == ["m a", "m b"]
    assert not list(
        look_alikes([(*n[:2], n[2].replace("c1", "neg").replace("c2", "pos")) for n in names])
    )


@pytest.mark.parametrize("folder", ["s1", "sub01", "happy", "images", "happy/s1", ""])
def test_images_in_a_folder_of_a_person_a_class_or_all_are_clips(folder):
    names = [("mine", "s1", f"{folder}/img{n}.jpg".lstrip("/")) for n in (1, 2)]
    other = folder.replace("s1", "s2").replace("sub01", "sub02")
    names += [("mine", "s2", f"{other}/img{n}.jpg".lstrip("/")) for n in (3, 4)]
    assert not list(look_alikes(names, ("happy", "sad")))


@pytest.mark.parametrize(
    ("one", "other"),
    [("positive", "postive"), ("suprise", "surprise"), ("disgust", "disgsut"), ("other", "others")],
)
def test_classes_that_may_be_misspelt_are_warned_of(one, other):
    (problem,) = alike("s1", classes=(one, "negative", other))
    assert problem.what == f"classes {one!r} and {other!r} may be one: if they are, write one name"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("neg", "negative"), ("positive", "pos"), ("sur", "surprise"), ("sad", "sadness")],
        *[("happiness", "happy"), ("Happy", "happiness"), ("disgust", "disgusted")],
    ],
)
def test_classes_of_which_one_begins_the_other_are_warned_of(one, other):
    (problem,) = alike("s1", classes=(one, "fear", other))
    assert problem.what == f"classes {one!r} and {other!r} may be one: if they are, write one name"


def test_all_names_of_one_class_stand_together():
    (problem,) = alike("s1", classes=("pos", "fear", "positive", "postive"))
    assert problem.what.startswith("classes 'pos' and 'positive' and 'postive' may be one")


@pytest.mark.parametrize("numbers", [("0", "1"), ("2",)])
def test_classes_that_are_numbers_beside_words_are_told(numbers):
    (problem,) = alike("s1", classes=(*numbers, "happy", "surprise"))
    assert (
        f"classes {', '.join(numbers)} are numbers beside the words happy, surprise" in problem.what
    )
    assert not alike("s1", classes=("0", "1", "2"))


@pytest.mark.parametrize(
    "classes",
    [
        *[("happiness", "sadness"), ("happy", "unhappy"), ("emotion1", "emotion2")],
        *[("class a", "class b"), ("posed", "positive"), ("au1", "au12"), ("po", "positive")],
        *NATIVE_CLASSES.values(),
        CHALLENGE_CLASSES,
    ],
)
def test_other_classes_are_not(classes):
    assert not alike("s1", classes=classes)


@pytest.mark.parametrize(
    ("one", "other"), [("c0", "c0.avi"), ("c0", "p01/c0"), ("c0.png", "x\\C0.npy"), ("1.mp4", "01")]
)
def test_clips_by_their_files_look_like_those_by_their_names(one, other):
    (problem,) = alike("s1", clips=(one, other, "c1"))
    assert "may be one, counted twice" in problem.what


def test_clips_of_several_folders_are_several():
    assert not alike("s1", clips=("a/c0", "b/c0", "c0.5", "c0.6"))


def test_many_of_one_kind_are_one_problem():
    names = ("a1", "a01", "b1", "b01", "c1", "C01", "d1")
    (problem,) = alike("s1", clips=names)
    assert problem.what.startswith("clips 'a1' and 'a01' (and 2 more) may be one")


@pytest.mark.parametrize("word", ["nan", "NA", "None", "<NA>", "n/a", "NULL"])
def test_a_name_that_may_be_a_missing_value_is_told_and_stays(word):
    (problem,) = alike(word)
    assert f"subject {word!r} is taken for a name" in problem.what and not problem.fatal
    assert "class" in alike("s1", classes=("happy", word))[0].what
    assert not alike(f"{word}cy")


@given(st.text(max_size=8))
def test_a_name_has_one_look_however_it_is_composed(name):
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert plain_name(unicodedata.normalize(form, name)) == plain_name(name)
    assert plain_name(f" {name}\u200b") == plain_name(name)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        (clip("Ann"), clip("ann"), "subject"),
        (clip("J\u00fcrg"), clip("Ju\u0308rg"), "subject"),
        (clip("a", dataset="Mine"), clip("b", dataset="mine"), "data set"),
        (clip("a", "EP1"), clip("a", "ep1"), "clip"),
        (clip("a."), clip("a"), "subject"),
    ],
)
def test_names_that_collide_on_a_case_blind_disk_are_refused(one, other, level):
    kept, (problem,) = refuse_collisions([one, other])
    assert kept == (one,) and problem.fatal and problem.what.startswith(f"its {level} collides")
    assert len(refuse_collisions([one, one])[0]) == 2


def test_several_spellings_in_a_manifest_are_one_subject_and_told(tmp_path):
    people = ("Sub_05", "5", "005")
    for place in range(3):
        (tmp_path / f"f{place}").mkdir()
        for number in (1, 2):
            (tmp_path / f"f{place}" / f"{number}.png").touch()
    rows = [f"SAMM,{who},c{place},fear,f{place}\n" for place, who in enumerate(people)]
    (tmp_path / "m.csv").write_text("dataset,subject,clip,label,frames\n" + "".join(rows))
    found = load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path, subjects=["s5"])
    assert {(c.dataset, c.subject) for c in found.clips} == {("samm", "005")}
    assert len(found.clips) == 3
    assert [p.kind for p in found.problems] == ["identity"]
    (line,) = problem_lines(found.problems)
    assert all(repr(who) in line for who in people)
    with (tmp_path / "m.csv").open("a") as file:
        file.write("casme2,5,c9,disgust,f0\n")
    with pytest.raises(UsageError, match="'5' may be 005 or sub05"):
        load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path, subjects=["5"])
