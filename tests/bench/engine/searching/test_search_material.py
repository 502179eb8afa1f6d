"""What a search is given: the clips of its halves, and of nobody who is tested."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.config.settings import Config, DataConfig
from bench.data.clips import Clip, ClipSet, subjects_among
from bench.engine.plan import SEARCH, Unit
from bench.engine.searching import material as search_material
from bench.engine.searching.material import (
    SearchMaterial,
    WatchedMaterial,
    batch_pairs,
    search_halves,
)
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.seeds import derive_seed
from bench.training.tensors import ClipTensors

NAMES = ("negative", "positive", "surprise")
PEOPLE = ("s1", "s2", "s3", "s4", "s5")


@pytest.fixture
def clip_set():
    """Two clips of each class from everybody."""
    clips = [
        Clip("lab", subject, f"c{number}", number % 3, (), None, NAMES[number % 3], 100.0)
        for subject in PEOPLE
        for number in range(6)
    ]
    return ClipSet("lab", NAMES, tuple(clips))


@pytest.fixture
def clips(clip_set):
    """Each clip has its number as the value of all its pixels."""
    numbers = torch.arange(len(clip_set.clips), dtype=torch.uint8)
    videos = numbers[:, None, None, None, None].repeat(1, 2, 4, 4, 3)
    labels = torch.tensor([clip.label for clip in clip_set.clips])
    return ClipTensors(videos, labels, 3, DataConfig(flip=False, shift=0, jitter=0))


@pytest.fixture
def unit(clip_set, clips, tmp_path, monkeypatch):
    def of(scope, fold):
        config = Config()
        protocol = replace(config.protocol, search_scope=scope)
        job = Job(
            *(RunFolder(tmp_path), "rnas_mer", None, "smoke"),
            *(replace(config, protocol=protocol), 0, "cpu", PEOPLE),
        )
        return Unit(job, SEARCH, fold)

    monkeypatch.setattr(search_material, "job_clips", lambda job: (clip_set, clips))
    return of


@pytest.mark.parametrize("make", [SearchMaterial.of, WatchedMaterial.watched])
@pytest.mark.parametrize("fold", ["s1", "s4"])
def test_inside_a_fold_nothing_of_the_person_who_is_tested(unit, make, fold):
    material = make(unit("fold", fold))
    assert len(material.clips.videos) == len(material.clips.labels) == 24
    assert sorted(material.halves[0] + material.halves[1]) == list(range(24))
    assert {clip.subject for clip in material.clip_set.clips} == {*PEOPLE} - {fold}
    pixels = material.clips.videos[:, 0, 0, 0, 0] // 6
    assert [PEOPLE[number] for number in pixels] == [c.subject for c in material.clip_set.clips]


@pytest.mark.parametrize("make", [SearchMaterial.of, WatchedMaterial.watched])
@pytest.mark.parametrize(("scope", "fold"), [("fold", "s2"), ("all", "")])
def test_the_batches_are_those_of_the_halves_among_all_clips(
    unit, make, scope, fold, clip_set, clips
):
    material = make(unit(scope, fold))
    halves = search_halves(material.unit.job, clip_set, clips.labels.tolist(), fold)
    for mine, whole in zip(material.halves, halves, strict=True):
        assert subjects_among(material.clip_set, mine) == subjects_among(clip_set, whole)
    size, seed = material.settings.batch, derive_seed(0, "search", fold, 3)
    expected = batch_pairs(clips, halves, size, seed)
    for pair, other in zip(material.pairs(3), expected, strict=True):
        for (inputs, labels), (inputs_2, labels_2) in zip(pair, other, strict=True):
            assert inputs.equal(inputs_2) and labels.equal(labels_2)
