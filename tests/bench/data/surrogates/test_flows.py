"""Generated flow images: a stream without end, the motion of the units coded, nothing but that."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from bench.config.settings import NUISANCES
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.sets.catalogue import load_clips
from bench.data.surrogates.flows import (
    FlowPlan,
    FlowSample,
    Nuisance,
    _actor,
    flow_samples,
)
from bench.data.surrogates.writing import flows_at, write_flows
from bench.errors import UsageError

QUIET = Nuisance(other=0, head=0, backdrop=0, noise=0, blink=0, crop=0)


PINNED = (
    [
        108,
        106,
        101,
        100,
        104,
        115,
        134,
        139,
        132,
        117,
        110,
        103,
        103,
        104,
        107,
        108,
        109,
        110,
        112,
        114,
        106,
        96,
        91,
        97,
        101,
        104,
        103,
        113,
    ],
    [
        122,
        120,
        116,
        113,
        98,
        69,
        36,
        24,
        4,
        14,
        35,
        72,
        91,
        100,
        108,
        103,
        84,
        67,
        56,
        55,
        73,
        87,
        104,
        115,
        122,
        133,
        143,
        144,
    ],
)
"""Row 20 of v of the first two clips of seed 0 with three people: what a version once made."""


def same(one: FlowSample, other: FlowSample) -> bool:
    return np.array_equal(one.image, other.image) and (
        replace(one, image=None) == replace(other, image=None)
    )


def test_a_clip_depends_on_its_number_seed_and_number_of_people_alone():
    few, many = list(flow_samples(4, 6, 0)), islice(flow_samples(4, 10**6, 0), 6)
    assert all(map(same, few, many))
    assert not any(map(same, few, flow_samples(4, 6, 1)))
    assert few[0].image.shape == (28, 28, 3)
    assert few[0].image.dtype == np.uint8


def test_the_clips_of_a_version_stay_what_they_were():
    rows = [sample.image[20, :, 1].astype(int) for sample in flow_samples(3, 2, 0, version=3)]
    # A processor may round otherwise, once in a while; any other motion moves rows by much more.
    assert np.abs(np.array(rows) - PINNED).max() <= 1


def test_version_4_draws_other_clips_of_people_coded_as_smic_alone():
    older, newer = (list(flow_samples(12, 36, 0, 8, version=version)) for version in (3, 4))
    changed = {old.person for old, new in zip(older, newer, strict=True) if not same(old, new)}
    assert changed
    assert {_actor(0, person)[1] for person in changed} == {"smic"}


@pytest.mark.parametrize("people", [1, 2, 3, 7])
def test_classes_are_balanced_over_all_and_within_a_person(people):
    samples = list(flow_samples(people, 6 * people, 0, 8))
    for person in range(people):
        own = [sample.label for sample in samples if sample.person == person]
        assert np.bincount(own, minlength=3).tolist() == [2, 2, 2]


def test_classes_come_in_the_shares_asked_for(tmp_path):
    plan = FlowPlan(people=3, clips=24, shares=(2, 1, 1))
    samples = list(plan.samples())
    for person in range(3):
        own = [sample.label for sample in samples if sample.person == person]
        assert np.bincount(own).tolist() == [4, 2, 2]
    equal = FlowPlan(people=3, clips=24)
    alike = [
        pair
        for pair in zip(samples, equal.samples(), strict=True)
        if pair[0].label == pair[1].label
    ]
    assert alike and all(same(*pair) for pair in alike)
    manifest = flows_at(tmp_path, plan)
    assert manifest.parent.name == "people3-clips24-seed0-version4-shares2_1_1"
    assert "shares: 2, 1, 1\n" in (manifest.parent / "SURROGATE.txt").read_text()
    assert equal.folder == "people3-clips24-seed0-version4" and "shares" not in equal.note


def test_mouths_rise_in_smiles_and_brows_in_surprise():
    """Rows of the mean of v: brows lie at 5 to 10 of 28, the corners of the mouth at 17 to 23."""
    samples = list(flow_samples(30, 90, 0, nuisance=QUIET))
    rows = {}
    for label, name in enumerate(CHALLENGE_CLASSES):
        down = np.mean([s.image[..., 1] for s in samples if s.label == label], axis=0, dtype=float)
        down -= np.median(down)
        rows[name] = (down[5:10].mean(), down[17:23].mean())
    assert rows["positive"][1] < -10 < rows["positive"][0]
    assert rows["surprise"][0] < -10 < rows["surprise"][1]
    assert rows["negative"][0] > 3


def test_every_part_of_the_nuisance_can_be_left_out(tmp_path):
    assert tuple(field.name for field in fields(Nuisance)) == NUISANCES
    (whole,) = flow_samples(1, 1, seed=0)
    quieter = {
        part: next(flow_samples(1, 1, seed=0, nuisance=Nuisance.without([part])))
        for part in ("head", "backdrop", "noise", "crop", "texture")
    }
    assert all((sample.image != whole.image).any() for sample in quieter.values())
    left_out = [
        flows_at(tmp_path, FlowPlan(1, 1, without=w)) for w in (("head",), ("noise", "head"), ())
    ]
    assert len(set(left_out)) == 3
    note = (left_out[1].parent / "SURROGATE.txt").read_text()
    assert note.endswith("without: head, noise\n")
    image = np.asarray(Image.open(next(left_out[0].parent.rglob("*.png"))))
    assert (image == quieter["head"].image).all()


def test_flow_images_are_a_data_set_with_a_manifest(tmp_path):
    manifest = write_flows(tmp_path / "flows", FlowPlan(people=3, clips=6, seed=2))
    clips = load_clips(f"manifest:{manifest}", tmp_path / "flows")
    assert [clip.ready_flow for clip in clips.clips] == [True] * 6
    assert clips.class_counts() == dict.fromkeys(CHALLENGE_CLASSES, 2)
    assert not clips.problems
    units = (tmp_path / "flows" / "units.csv").read_text().splitlines()
    assert units[0] == "subject,clip,units"
    assert len(units) == 7
    with pytest.raises(UsageError, match="at least 1"):
        write_flows(tmp_path / "none", FlowPlan(people=0, clips=1))
    with pytest.raises(UsageError, match="from version 3 to 4"):
        write_flows(tmp_path / "none", FlowPlan(people=1, clips=1, version=2))
    with pytest.raises(UsageError, match="10 people with 6 clips"):
        write_flows(tmp_path / "none", FlowPlan(people=10, clips=6))


@pytest.mark.parametrize("damage", ["image", "labels", "seal"])
def test_flows_that_are_not_as_they_were_made_are_made_again(tmp_path, damage):
    manifest = flows_at(tmp_path, FlowPlan(people=2, clips=4))
    made = {file: file.read_bytes() for file in manifest.parent.rglob("*") if file.is_file()}
    image, other, *_ = sorted(manifest.parent.glob("images/*/*.png"))
    if damage == "image":
        image.write_bytes(other.read_bytes())
    elif damage == "labels":
        manifest.write_text(manifest.read_text().replace("positive", "negative"))
    else:
        (manifest.parent / "sha256.txt").unlink()
    assert flows_at(tmp_path, FlowPlan(people=2, clips=4)) == manifest
    assert {f: f.read_bytes() for f in manifest.parent.rglob("*") if f.is_file()} == made
    before = image.stat().st_mtime_ns
    flows_at(tmp_path, FlowPlan(people=2, clips=4))
    assert image.stat().st_mtime_ns == before
