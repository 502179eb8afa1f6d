"""Network path and cell as Graphviz text, for other tools of layout."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from bench.runs.record import RunRecord
from bench.runs.searches import Decoded, decoded, space_of
from reports.drawing.style import Words
from reports.figures.cell import (
    Input,
    Join,
    Node,
    Operation,
    cell_graph,
    choice_counts,
    source_of,
    vertex_name,
)
from reports.figures.network import arrow_counts
from reports.figures.words import words
from rnas.space import SearchSpace
from rnas.trellis import State, Trellis


def network_dot(record: RunRecord) -> str:
    """The trellis: decoded path bold, path of a uniform β dashed, β (or fold counts) as labels."""
    space = space_of(record)
    found = decoded(record, space)
    trellis, folds = space.outer, record.searches.per_fold
    taken = arrow_counts(trellis, found)
    uniform = set(trellis.arrows_of(found[0].uniform_path))
    lines = [
        f"{_state(state)} [label={quoted(_state_name(trellis, state))}];"
        for state in (State(0, 0), *trellis.states)
    ]
    for arrow in trellis.arrows:
        share = taken[arrow] / len(found)
        beta = None if found[0].beta is None else found[0].beta[arrow]
        label = f"{taken[arrow]}/{len(found)}" if folds else "" if beta is None else f"{beta:.3f}"
        style = "dashed" if arrow in uniform and not taken[arrow] else "solid"
        lines.append(
            f"{_state(arrow.source)} -> {_state(arrow.target)} [label={quoted(label)}, "
            f"style={style}, penwidth={1 + 3 * share:.3g}, "
            f"color={quoted('black' if share or arrow in uniform else 'grey')}];"
        )
    lines += _ranks(trellis)
    return _digraph("network_path", words(record, "Network path"), lines)


def cell_dot(record: RunRecord) -> str:
    """The decoded cell; over folds, every edge and operation that any fold decoded."""
    space = space_of(record)
    found = decoded(record, space)
    if record.searches.per_fold:
        return _digraph("cell", words(record, "Cells"), _chosen_lines(space, found))
    graph = cell_graph(space, found[0].genotype)
    lines = [f"{_vertex(v)} [label={quoted(vertex_name(v))}, shape={_shape(v)}];" for v in graph]
    lines += [f"{_vertex(u)} -> {_vertex(v)};" for u, v in graph.edges]
    return _digraph("cell", words(record, "Cell"), lines)


def quoted(text: str) -> str:
    """A DOT string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _digraph(name: str, about: Words, lines: Iterable[str]) -> str:
    label = "\n".join(filter(None, (about.title, about.subtitle, *about.notes)))
    head = [f"digraph {name} {{", f"  label={quoted(label)};", "  rankdir=LR;"]
    return "\n".join([*head, *(f"  {line}" for line in lines), "}"]) + "\n"


def _state(state: State) -> str:
    return f"layer{state.layer}_level{state.level}"


def _state_name(trellis: Trellis, state: State) -> str:
    place = f"layer {state.layer}" if state.layer else "stem"
    return f"{place}\ns = {trellis.factors[state.level]}"


def _ranks(trellis: Trellis) -> list[str]:
    """The states of each layer in one Graphviz rank."""
    layers = range(1, trellis.layers + 1)
    rows = ([s for s in trellis.states if s.layer == layer] for layer in layers)
    return ["{ rank=same; " + " ".join(f"{_state(s)};" for s in row) + " }" for row in rows]


def _chosen_lines(space: SearchSpace, found: Sequence[Decoded]) -> list[str]:
    counts = choice_counts(space, found)
    vertices = [Input(0), Input(1), *map(Node, range(space.nodes))]
    lines = [f"{_vertex(v)} [label={quoted(vertex_name(v))}, shape={_shape(v)}];" for v in vertices]
    for edge, row in zip(space.edges, counts, strict=True):
        for name, times in zip(space.choosable, row, strict=True):
            if times:
                label = quoted(f"{name} {times}/{len(found)}")
                lines.append(
                    f"{_vertex(source_of(edge))} -> {_vertex(Node(edge.node))} "
                    f"[label={label}, penwidth={1 + 3 * times / len(found):.3g}];"
                )
    return lines


def _vertex(vertex: Hashable) -> str:
    match vertex:
        case Input(source):
            return f"input{source}"
        case Operation(edge, _):
            return f"edge{edge.source}_{edge.node}"
        case Node(node):
            return f"node{node}"
        case Join():
            return "join"
        case _:
            return "output"


def _shape(vertex: Hashable) -> str:
    return {Operation: "box", Join: "box", Node: "circle"}.get(type(vertex), "plaintext")
