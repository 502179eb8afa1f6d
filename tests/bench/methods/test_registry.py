"""The registry: names, groups, globs, and variants of a user's own."""

from __future__ import annotations

import pytest

from bench.errors import BenchError, UsageError
from bench.methods import registry

RNAS = {"rnas_mer", "rnas_mer_1", "rnas_mer_2", "rnas_mer_3", "rnas_mer_4", "rnas_mer_4b"}


OWN = """
from rnas import SearchSpace
OWN = SearchSpace(
    name="their_net", summary="Of somebody else", operations=("skip", "conv_3"),
    partial=1, nodes=1, channels=4, groups=({groups}),
    kernels="shared", attention_form="cbam", derived_partial=True, dilated="full",
)
"""


class TestNames:
    def test_every_method_of_the_specification_and_its_control_is_there(self):
        names = set(registry.variants())
        assert names >= RNAS | {f"random_{name}" for name in RNAS}

    @pytest.mark.parametrize("name", registry.variants())
    def test_a_variant_bears_its_name_and_says_what_it_is(self, name):
        entry = registry.variant(name)
        assert entry.name == name
        (registered,) = (each for each in vars(entry).values() if isinstance(each, entry.value))
        assert registered.name == name.removeprefix("random_")
        assert entry.control == (entry.kind == "random") == name.startswith("random_")
        assert entry.group == entry.groups[0]
        assert entry.summary
        assert "\n" not in entry.summary

    def test_unknown_names_the_nearest_and_all(self):
        with pytest.raises(UsageError, match=r"unknown variant 'rnas_mer3'\. Did you mean") as said:
            registry.variant("rnas_mer3")
        assert all(name in str(said.value) for name in RNAS)

    def test_ours_is_marked_so(self):
        assert registry.variant("rnas_mer_4b").marks == ("ours",)
        same = "same networks as random_rnas_mer at equal F"
        assert registry.variant("random_rnas_mer_4").marks == (same,)
        assert registry.variant("random_rnas_mer_4b").marks == ("ours", same)
        assert registry.variant("random_rnas_mer_3").marks == ()
        assert registry.variant("rnas_mer").marks == ()


class TestSelection:
    def test_by_name_glob_and_group_each_once_in_order(self):
        select = registry.select_variants
        assert select(["rnas_mer_3", "rnas_mer"]) == ("rnas_mer_3", "rnas_mer")
        assert select(["rnas_mer", "rnas_mer", "rnas_mer_[13]"]) == (
            "rnas_mer",
            "rnas_mer_1",
            "rnas_mer_3",
        )
        assert set(select(["rnas_mer*"])) == RNAS
        assert set(select(["ablation"])) == RNAS - {"rnas_mer"}
        assert "rnas_mer_4b" not in select(["nas"])
        assert {"rnas_mer", "rnas_mer_1"} <= set(select(["nas"]))

    def test_all_is_everything_but_the_controls_which_random_selects(self):
        everything = set(registry.select_variants(["all"]))
        controls = set(registry.select_variants(["random"]))
        assert everything | controls == set(registry.variants())
        fixed = {name for name, entry in registry.variants().items() if not entry.searches}
        assert everything - fixed == {name.removeprefix("random_") for name in controls}
        assert registry.select_variants(["random*"]) == registry.select_variants(["random"])

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("rnas_mre", "unknown variant 'rnas_mre'. Did you mean 'rnas_mer'"),
            ("ablations", "Did you mean 'ablation'"),
            ("xyz*", r"no variant matches 'xyz\*'\. Known: "),
            ("", "unknown variant ''"),
        ],
    )
    def test_of_nothing_is_an_error(self, pattern, message):
        with pytest.raises(UsageError, match=message):
            registry.select_variants(["rnas_mer", pattern])

    def test_of_a_group_without_members_says_so(self):
        if any("peers" in entry.groups for entry in registry.variants().values()):
            pytest.skip("peers are installed")
        with pytest.raises(UsageError, match="group 'peers' has no variants installed"):
            registry.select_variants(["peers"])


class TestOwnVariants:
    def test_enter_by_the_entry_point_with_their_control(self, install):
        install(OWN.format(groups='"theirs",'), {"their_net": "their_methods:OWN"})
        assert registry.variant("their_net").summary == "Of somebody else"
        assert registry.select_variants(["theirs"]) == ("their_net",)
        assert registry.select_variants(["their*"]) == ("their_net",)
        assert registry.variant("random_their_net").kind == "random"
        assert set(registry.variants()) >= RNAS

    def test_are_in_the_group_own_by_default(self, install):
        source = OWN.replace("groups=({groups}),", "")
        install(source, {"their_net": "their_methods:OWN"})
        assert registry.select_variants(["own"]) == ("their_net",)

    def test_run_like_any_other(self, install, one_thread):
        from bench.config.loading import load_config
        from bench.methods.registry import variant

        install(OWN.format(groups='"theirs",'), {"their_net": "their_methods:OWN"})
        space = variant("their_net").configured_space(load_config("paper"))
        assert space == registry.variant("their_net").space
        train_one_step(space, search_one_step(space), CLIP)

    @pytest.mark.parametrize("name", ["rnas_mer", "random_their_net", "all", "nas", "a/b", "a b"])
    def test_take_no_name_that_means_something_else(self, install, capsys, name):
        before = registry.variants()
        install(
            OWN.format(groups='"theirs",').replace("their_net", name), {name: "their_methods:OWN"}
        )
        assert registry.variants() == before
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"warning: {name} of bench.variants, package their_methods ")

    @pytest.mark.parametrize(
        ("source", "value", "message"),
        [
            ("import nowhere_to_be_found", "their_methods:OWN", "No module named 'nowhere_to_be"),
            (
                "OWN = 3",
                "their_methods:OWN",
                "expected a rnas.SearchSpace, a baselines.fixed.FixedNetwork",
            ),
            ("", "their_methods:OWN", "has no attribute 'OWN'"),
            (
                OWN.format(groups='"own",').replace("their_net", "other"),
                "their_methods:OWN",
                "of that name, got 'other'",
            ),
            (
                OWN.format(groups='"own",').replace("conv_3", "conv_33"),
                "their_methods:OWN",
                "unknown operation 'conv_33'",
            ),
        ],
    )
    def test_that_cannot_be_used_are_left_out_and_asked_for_are_an_error(
        self, install, capsys, source, value, message
    ):
        before = registry.variants()
        install(source, {"their_net": value})
        assert registry.variants() == before
        assert message in capsys.readouterr().err
        for ask in (registry.variant, lambda name: registry.select_variants([name])):
            with pytest.raises(BenchError, match=message) as raised:
                ask("their_net")
            assert "their_net of bench.variants, package their_methods" in str(raised.value)


CLIP, FLOW_IMAGE = (3, 2, 8, 8), (3, 1, 28, 28)
"""(C, T, H, W) of a small clip, and of a ready flow image."""


def clips(shape):
    """Two clips and their labels."""
    import torch

    videos = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    return videos, torch.tensor([0, 2])


def search_one_step(space, for_architecture=CLIP, for_weights=CLIP):
    """What a step of Algorithm 1 decodes to; both its halves see clips of a shape of their own."""
    import torch

    from rnas.fast.supernet import FastSupernet
    from rnas.search import Searcher, SearchSettings

    torch.manual_seed(0)
    searcher = Searcher(FastSupernet(space, 3), SearchSettings(epochs=1, warmup=0))
    groups = (searcher.weights, searcher.architecture)
    before = [[p.detach().clone() for p in group] for group in groups]
    log = searcher.run_epoch(0, [(clips(for_architecture), clips(for_weights))])
    for old, new in zip(before, groups, strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(old, new, strict=True))
    return log.genotype


def train_one_step(space, genotype, *shapes):
    """The derived network takes a step on clips of each shape."""
    import torch

    from rnas.derived import DerivedNetwork

    torch.manual_seed(0)
    network = DerivedNetwork(space, genotype, 3)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for videos, labels in map(clips, shapes):
        optimiser.zero_grad()
        logits = network.train()(videos)
        assert logits.shape == (2, 3)
        torch.nn.functional.cross_entropy(logits, labels).backward()
        assert all(p.grad is not None for p in network.parameters())
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)  # as the harness does
        before = [p.detach().clone() for p in network.parameters()]
        optimiser.step()
        assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
        assert torch.isfinite(network.eval()(videos)).all()


def configured(name, *overrides):
    from bench.config.loading import load_config
    from bench.methods.registry import variant

    return variant(name).configured_space(load_config("smoke", overrides))


SEARCHES = [name for name, entry in registry.variants().items() if entry.kind == "search"]


@pytest.mark.parametrize(
    ("name", "small", "full"),
    [
        ("rnas_mer", (2, 4, 8, 16), (2, 4, 8, 16)),
        ("autodeeplab_3d", (4, 8), (4, 8, 16, 32)),
        ("random_automer_3d", (2, 4, 8), (2, 4, 8, 16)),
    ],
)
def test_methods_of_twelve_cells_leave_out_levels_that_small_clips_do_not_fill(name, small, full):
    assert configured(name, "data.size=24").outer.factors == small
    assert configured(name, "data.size=112").outer.factors == full


@pytest.mark.parametrize("name", SEARCHES)
def test_every_registered_search_searches_decodes_and_trains(name, one_thread):
    space = configured(name, "nodes=1", "channels=4", "kernels=shared")
    train_one_step(space, search_one_step(space, CLIP, FLOW_IMAGE), CLIP, FLOW_IMAGE)


@pytest.mark.parametrize("name", registry.select_variants(["random"]))
def test_every_control_draws_and_trains(name, one_thread):
    import random

    from rnas.genotype import check_genotype, random_genotype

    space = configured(name, "nodes=1", "channels=4")
    genotype = random_genotype(space, random.Random(1))
    assert check_genotype(genotype, space) == genotype
    train_one_step(space, genotype, CLIP)


class TestConfiguredSpace:
    def test_settings_of_a_run_change_the_space(self):
        space = configured("rnas_mer", "nodes=4", "channels=12", "dilated=full")
        assert (space.nodes, space.channels, space.dilated) == (4, 12, "full")
        assert space.name == "rnas_mer"

    def test_zero_is_the_variants_own(self):
        own = registry.variant("rnas_mer").space
        space = configured("rnas_mer", "nodes=0", "channels=0")
        assert (space.nodes, space.channels) == (own.nodes, own.channels) == (3, 8)

    def test_published_sizes_fit_the_width_to_table_5(self, monkeypatch):
        from bench.methods import spaces

        def fit(space, target):
            return space.resized(channels=target // 10_000)

        monkeypatch.setattr("rnas.sizes.fit_channels", fit)
        spaces._configured.cache_clear()
        space = configured("rnas_mer_1", "nodes=1", "space.size=published")
        spaces._configured.cache_clear()
        assert (space.nodes, space.channels) == (1, 917)  # 9.17 M are published

    def test_without_a_published_size_says_so(self):
        with pytest.raises(BenchError, match=r"rnas_mer_4b: Table 5 publishes no size"):
            configured("rnas_mer_4b", "space.size=published")
