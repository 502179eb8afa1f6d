import pytest
import torch
from method_cases import MICRO, SPACES, softmax, tiny

from rnas.cell import Cell
from rnas.operations import SEARCH_NORM

SHAPE = (2, 4, 2, 4, 3)


def equations_2_and_3(cell, space, inputs, operation_weights, edge_logits):
    """The cell edge by edge; an input that is None takes its edges with it."""
    features = list(inputs)
    for node in range(space.nodes):
        arriving = {
            k: source
            for k, (source, target) in enumerate(space.edges)
            if target == node and features[source] is not None
        }
        if space.edge_norm:
            logits = [float(edge_logits[k]) for k in arriving]
            shares = dict(zip(arriving, softmax(logits).tolist(), strict=True))
            assert sum(shares.values()) == pytest.approx(1)
        else:
            shares = dict.fromkeys(arriving, 1.0)
        total = 0
        for k, source in arriving.items():
            total = total + shares[k] * cell.mixed[k](features[source], operation_weights[k])
        features.append(total)
    nodes = features[2:]
    if space.reduction == "concat":
        return torch.cat(nodes, dim=1)
    together = nodes[0]
    for node in nodes[1:]:
        together = together + node
    return cell.attention(together) if space.attention else together


CASES = {
    "all of it": MICRO.resized(nodes=3),
    "no edge normalisation": MICRO.resized(edge_norm=False),
    "no attention": MICRO.resized(attention=False),
    "joined nodes": MICRO.resized(reduction="concat", attention=False),
    "rnas_mer": tiny(SPACES["rnas_mer"]),
}


@pytest.mark.parametrize("older", [True, False], ids=["with I^{l-2}", "without I^{l-2}"])
@pytest.mark.parametrize("case", CASES)
def test_equations_2_and_3(case, older):
    space = CASES[case]
    cell = Cell(space, 0, SEARCH_NORM).double()
    inputs = (
        torch.randn(SHAPE, dtype=torch.float64),
        torch.randn(SHAPE, dtype=torch.float64) if older else None,
    )
    edges = len(space.edges)
    weights = torch.randn(edges, len(space.operations), dtype=torch.float64).softmax(1)
    edge_logits = torch.randn(edges, dtype=torch.float64) if space.edge_norm else None
    result = cell(inputs, weights, edge_logits)
    expected = equations_2_and_3(cell, space, inputs, weights, edge_logits)
    assert result.shape == (2, space.output_width(0), *SHAPE[2:])
    torch.testing.assert_close(result, expected)


def test_edge_normalisation_is_over_the_edges_that_are_there():
    """Without I^{l-2}, its η has no say and gets no gradient; the others keep theirs."""
    space = MICRO
    cell = Cell(space, 0, SEARCH_NORM)
    weights = torch.full((len(space.edges), 4), 0.25)
    edge_logits = torch.randn(len(space.edges), requires_grad=True)
    output = cell((torch.randn(SHAPE), None), weights, edge_logits)
    (gradient,) = torch.autograd.grad((output * torch.randn_like(output)).sum(), edge_logits)
    for k, (source, node) in enumerate(space.edges):
        alone = node == 0  # node 0 hears I^{l-1} only: a softmax over one edge is 1
        assert (float(gradient[k]) == 0) == (source == 1 or alone)


def test_edge_logits_keep_their_gradient():
    cell = Cell(MICRO, 0, SEARCH_NORM)
    weights = torch.full((len(MICRO.edges), 4), 0.25)
    edge_logits = torch.randn(len(MICRO.edges), requires_grad=True)
    output = cell((torch.randn(SHAPE), torch.randn(SHAPE)), weights, edge_logits)
    (gradient,) = torch.autograd.grad((output * torch.randn_like(output)).sum(), edge_logits)
    assert bool((gradient != 0).all())
