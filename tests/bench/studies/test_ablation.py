"""Table 3 by design: its factors, its pairs, and where networks of an arm start."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tiny_runs import changed

from ablations import RNAS_MER
from bench.config.loading import load_config
from bench.data.clips import Clip, ClipSet
from bench.data.sources import Source
from bench.engine.request import Request
from bench.errors import UsageError
from bench.methods import registry
from bench.studies.ablation import (
    BASE,
    NETWORK,
    SEARCH,
    Size,
    design,
    drawn,
    factors,
    measuring,
    network_macs,
    with_macs,
)
from bench.training.initial import draw_by_name
from rnas.derived import DerivedNetwork
from rnas.space import DARTS_OPERATIONS

ABLATION = registry.select_variants(["ablation"])
SMALL = ("data.size=8", "data.frames=2", "space.channels=4", "space.nodes=1")
CLIPS = tuple(
    Clip("smic", subject, f"{subject}{place}", place % 3, (), None, "", 100.0)
    for subject in "abc"
    for place in range(6)
)
CLIP_SET = ClipSet("smic", ("negative", "positive", "surprise"), CLIPS)


def planned(
    runs,
    *variants,
    size=Size(2, 2, "loso"),  # noqa: B008
    overrides=(),
    seeds=(0, 1),
    clips=CLIP_SET,
):
    config = measuring(load_config("smoke", changed(SMALL, overrides)), size.protocol)
    request = Request(
        variants=variants,
        source=Source("smic", None, True, Path("cache")),
        preset="smoke",
        config=config,
        seeds=seeds,
        runs=runs,
        device="cpu",
    )
    return design(request, size, clips, lambda *step: None)


def space_of(config):
    return registry.variant(BASE).configured_space(config)


class TestFactors:
    def test_are_the_respects_in_which_the_spaces_differ(self):
        found = {(f.field, f.value): f.variant for f in factors(ABLATION)}
        assert found == {
            ("operations", DARTS_OPERATIONS): "rnas_mer_2",
            ("partial", 1): "rnas_mer_4",
            ("edge_norm", False): "rnas_mer_4b",
            ("attention", False): "rnas_mer_3",
        }

    def test_of_one_ablation_with_several(self):
        assert [f.field for f in factors(["rnas_mer_1"])] == [f.field for f in factors(ABLATION)]

    @pytest.mark.parametrize("factor", factors(ABLATION), ids=lambda factor: factor.field)
    def test_removing_one_changes_nothing_else(self, factor):
        config = load_config("smoke")
        before, after = asdict(space_of(config)), asdict(space_of(factor.removed(config)))
        differing = {key for key in before if before[key] != after[key]}
        assert differing == {factor.field}
        assert after[factor.field] == factor.value
        assert replace(factor.removed(config), space=config.space) == config

    @pytest.mark.parametrize(
        ("variants", "said"),
        [
            (["autodeeplab_3d"], "differs from rnas_mer in channels, dilated, nodes, outer"),
            (["rnas_mer"], "no factor of Table 3"),
            (["ststnet"], "fixed network"),
        ],
    )
    def test_what_is_no_ablation_is_refused(self, variants, said):
        with pytest.raises(UsageError, match=said):
            factors(variants)


class TestDrawn:
    def test_sets_share_path_edges_and_uniform_numbers(self):
        darts = RNAS_MER.resized(operations=DARTS_OPERATIONS)
        for number in range(20):
            one, other = drawn(RNAS_MER, number), drawn(darts, number)
            assert (one.path, one.edges) == (other.path, other.edges)
            for pair in zip(one.operations, other.operations, strict=True):
                spaces = zip(pair, (RNAS_MER, darts), strict=True)
                low, high = zip(
                    *(
                        (place / len(names), (place + 1) / len(names))
                        for name, names in ((n, s.choosable) for n, s in spaces)
                        for place in [names.index(name)]
                    ),
                    strict=True,
                )
                assert max(low) < min(high)  # the number lies in both

    def test_differs_from_number_to_number_and_not_from_call_to_call(self):
        first = [drawn(RNAS_MER, number) for number in range(50)]
        assert first == [drawn(RNAS_MER, number) for number in range(50)]
        assert len(set(first)) == 50
        assert len({name for genotype in first for name in genotype.operations}) == 13


class TestEqualMacs:
    @pytest.mark.parametrize("partial", ["false", "true"])
    def test_no_other_width_comes_nearer(self, partial):
        config = load_config("smoke", (*SMALL, f"space.derived_partial={partial}"))
        (removed,) = (f.removed(config) for f in factors(["rnas_mer_2"]))
        target = network_macs(config, drawn(space_of(config), 0), 3)
        genotype = drawn(space_of(removed), 0)
        fitted = with_macs(removed, genotype, target, 3)

        def apart(channels):
            other = replace(fitted, space=replace(fitted.space, channels=channels))
            return abs(network_macs(other, genotype, 3) - target)

        width, step = fitted.space.channels, 4 if partial == "true" else 1
        assert space_of(fitted).partial == step
        assert all(apart(width) <= apart(other) for other in (width - step or step, width + step))
        assert step > 1 or width > 4  # DARTS's operations have fewer MACs at the same width


class TestDesign:
    def test_pairs_differ_in_the_factor_alone(self, tmp_path):
        study = planned(tmp_path, *ABLATION)
        rows = [row for row in study.factors if row.first.acts == NETWORK]
        assert [(row.title, row.variant) for row in rows] == [
            ("operation set", "rnas_mer_2"),
            ("operation set, equal MACs", "rnas_mer_2"),
            ("attention", "rnas_mer_3"),
        ]
        changed = ({"operations"}, {"operations", "channels", "size", "partial"}, {"attention"})
        for row, allowed in zip(rows, changed, strict=True):
            assert len(row.first.trials) == len(row.second.trials) == 2 * 2
            for one, other in zip(row.first.trials, row.second.trials, strict=True):
                assert replace(one.job.config, space=other.job.config.space) == other.job.config
                spaces = [asdict(trial.job.config.space) for trial in (one, other)]
                assert {key for key in spaces[0] if spaces[0][key] != spaces[1][key]} <= allowed
                for same in ("seed", "folds", "variant", "source", "device"):
                    assert getattr(one.job, same) == getattr(other.job, same)
                assert one.genotype.path == other.genotype.path
                assert one.genotype.edges == other.genotype.edges
                if row.title == "attention":
                    assert one.genotype == other.genotype

    def test_equal_macs_are_those_of_the_clips_that_networks_see(self, tmp_path):
        images = tuple(replace(clip, ready_flow=True) for clip in CLIPS)
        size, own = Size(2, 0, "loso"), ["space.channels=8", "data.frames=16"]
        clips = replace(CLIP_SET, clips=images)
        *_, row = planned(tmp_path, "rnas_mer_2", size=size, overrides=own, clips=clips).factors
        assert row.title == "operation set, equal MACs"
        for one, other in zip(row.first.trials, row.second.trials, strict=True):
            config, found = one.job.config, other.job.config
            assert config.data.frames == 1
            macs = network_macs(config, one.genotype, 3)
            plain = replace(config, space=replace(found.space, partial=0, channels=8))
            assert found == with_macs(plain, other.genotype, macs, 3)

    def test_searches_are_compared_with_random_ones_of_the_same_networks(self, tmp_path):
        study = planned(tmp_path, *ABLATION)
        rows = [row for row in study.factors if row.first.acts == SEARCH]
        assert [row.title for row in rows] == [
            "operation set",
            "partial channels",
            "edge normalisation η",
        ]
        blind = [row.second for row in study.zero_line]
        assert blind[0] == blind[2] == blind[3] != blind[1]  # RNAS-MER, without b, without η
        assert {job.seed for job in study.searches} == {0, 1}
        assert len(study.searches) == (4 + 2) * 2
        jobs = [*study.searches, *(trial.job for trial in study.trials)]
        assert len({job.folder for job in jobs}) == len(jobs)

    def test_partial_channels_act_in_networks_that_have_them(self, tmp_path):
        size = Size(2, 0, "loso")
        study = planned(tmp_path, "rnas_mer_4", size=size, overrides=["derived_partial=true"])
        (row,) = study.factors
        assert (row.title, row.first.acts) == ("partial channels", NETWORK)
        with pytest.raises(UsageError, match="nothing to compare: partial channels, edge"):
            planned(tmp_path, "rnas_mer_4b", "rnas_mer_4", size=size)

    def test_more_genotypes_keep_the_earlier_ones(self, tmp_path):
        few, many = (planned(tmp_path, "rnas_mer_3", size=Size(n, 0, "loso")) for n in (2, 4))
        assert few.trials == many.trials[: len(few.trials)]

    def test_new_people_are_those_of_the_next_seed(self):
        config = load_config("smoke", ("data.surrogate_seed=4",))
        fresh = measuring(config, "fresh")
        assert (fresh.data.surrogate_seed, fresh.data.fresh_seed) == (4, 5)
        assert fresh.protocol.search_scope == "fold"  # a search that sees none of them
        assert measuring(fresh, "loso").data == config.data


class TestInitialWeights:
    @pytest.fixture
    def networks(self):
        """Of one genotype with attention and without."""
        space = RNAS_MER.resized(channels=4)
        genotype = drawn(space, 0)
        return [DerivedNetwork(space.resized(attention=on), genotype, 3) for on in (True, False)]

    def test_agree_wherever_names_and_shapes_do(self, networks):
        for network in networks:
            draw_by_name(network, 7)
        one, other = (dict(network.named_parameters()) for network in networks)
        assert one.keys() > other.keys()
        assert all(one[name].equal(other[name]) for name in other)

    def test_differ_from_seed_to_seed_and_from_layer_to_layer(self, networks):
        network = networks[1]
        seen = []
        for seed in (1, 2):
            draw_by_name(network, seed)
            head = network.head.weight.detach().clone()
            stem = next(network.stem.parameters()).detach().clone()
            seen += [head, stem]
        assert not seen[0].equal(seen[2]) and not seen[1].equal(seen[3])
        assert not seen[0].flatten()[:8].equal(seen[1].flatten()[:8])
