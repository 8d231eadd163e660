"""Where the nodes of a graph stand and how its arrows run, in layers from the top down.

A node stands one layer above the first node that uses it.  An arrow over several layers runs through a lane
in each of them, and all arrows from one node share its lanes.  The order in the layers is by barycentres, the
places by the least squares of the distances to the neighbours; nothing here is random.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

_between_layers = 30.0
_between_nodes = 18.0
_lane = 8.0
_margin = 12.0
_sweeps = 10

Node = Hashable
Point = tuple[float, float]


class Layout(NamedTuple):
    """A layout: the centre of every node, the points that every arrow runs through, and the whole size."""

    centres: dict[Node, Point]
    arrows: dict[tuple[Node, Node], list[Point]]
    width: float
    height: float


class _Lane(NamedTuple):
    """Where the arrows from a node pass a layer."""

    source: Node
    layer: int


def layout(sizes: Mapping[Node, tuple[float, float]], edges: Sequence[tuple[Node, Node]]) -> Layout:
    """Lay out a graph whose nodes are given with (width, height), each after those that it uses.

    >>> placed = layout({"x": (40, 20), "y": (40, 20)}, [("x", "y")])
    >>> placed.centres
    {'x': (32.0, 22.0), 'y': (32.0, 72.0)}
    """
    nodes = list(sizes)
    position = {node: i for i, node in enumerate(nodes)}
    edges = [(a, b) for a, b in dict.fromkeys(edges) if position[a] < position[b]]
    layer = _layers(nodes, edges)
    chains = _Chains(layer, edges)
    rows = _ordered(_rows(nodes, layer, chains), chains)
    width = {item: sizes[item][0] if item in position else _lane for row in rows for item in row}
    x = _places(rows, chains, width)
    centres: dict[Node, Point] = {}
    bounds: list[tuple[float, float]] = []
    top = _margin
    for row in rows:
        height = max((sizes[item][1] for item in row if item in position), default=0.0)
        bounds.append((top, top + height))
        centres.update((item, (x[item], top + height / 2)) for item in row if item in position)
        top += height + _between_layers
    arrows = {edge: _route(edge, chains, layer, x, bounds, centres, sizes) for edge in edges}
    _spread(arrows, sizes)
    right = max((x[item] + width[item] / 2 for row in rows for item in row), default=0.0)
    return Layout(centres, arrows, right + _margin, top - _between_layers + _margin)


def _layers(nodes: list[Node], edges: list[tuple[Node, Node]]) -> dict[Node, int]:
    """The layer of every node, counted from the top."""
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    for a, b in edges:
        users[a].append(b)
    height: dict[Node, int] = {}
    for node in reversed(nodes):
        height[node] = max((height[user] + 1 for user in users[node]), default=0)
    top = max(height.values(), default=0)
    return {node: top - h for node, h in height.items()}


class _Chains:
    """The lanes of every node, and who is next to whom in adjacent layers."""

    def __init__(self, layer: dict[Node, int], edges: list[tuple[Node, Node]]) -> None:
        self.lanes: list[_Lane] = []
        self.above: dict[Node, list[Node]] = {}
        self.below: dict[Node, list[Node]] = {}
        made: set[_Lane] = set()
        for a, b in edges:
            last: Node = a
            for i in range(layer[a] + 1, layer[b]):
                lane = _Lane(a, i)
                if lane not in made:
                    made.add(lane)
                    self.lanes.append(lane)
                    self._join(last, lane)
                last = lane
            self._join(last, b)

    def _join(self, upper: Node, lower: Node) -> None:
        self.below.setdefault(upper, []).append(lower)
        self.above.setdefault(lower, []).append(upper)


def _rows(nodes: list[Node], layer: dict[Node, int], chains: _Chains) -> list[list[Node]]:
    rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    for lane in chains.lanes:
        rows[lane.layer].append(lane)
    return rows


def _ordered(rows: list[list[Node]], chains: _Chains) -> list[list[Node]]:
    """The rows in the order with the fewest crossings that some sweeps down and up find."""
    best, fewest = [list(row) for row in rows], _crossings(rows, chains)
    for sweep in range(_sweeps):
        down = sweep % 2 == 1
        neighbours = chains.above if down else chains.below
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for i in order:
            place = {item: k for k, item in enumerate(rows[i - 1 if down else i + 1])}
            own = {item: k for k, item in enumerate(rows[i])}
            key = {}
            for item in rows[i]:
                places = [place[other] for other in neighbours.get(item, ()) if other in place]
                key[item] = sum(places) / len(places) if places else own[item] * len(place) / len(own)
            rows[i] = sorted(rows[i], key=key.__getitem__)
        crossings = _crossings(rows, chains)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: list[list[Node]], chains: _Chains) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        place = {item: k for k, item in enumerate(lower)}
        ends: list[int] = []
        for item in upper:
            own = sorted(place[other] for other in chains.below.get(item, ()))
            count += sum(len(ends) - bisect_right(ends, end) for end in own)
            for end in own:
                insort(ends, end)
    return count


def _places(rows: list[list[Node]], chains: _Chains, width: dict[Node, float]) -> dict[Node, float]:
    """x of everything: near its neighbours, in the order of its row, and apart from the next ones."""
    x: dict[Node, float] = {}
    for row in rows:
        at = 0.0
        for item in row:
            x[item] = at + width[item] / 2
            at += width[item] + _between_nodes
    for sweep in range(2 * _sweeps + 1):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wished, weights = [], []
            for item in row:
                near = _near(item, x, chains, down)
                weight = sum(w for _, w in near)
                wished.append(sum(at * w for at, w in near) / weight if weight else x[item])
                weights.append(weight or 0.1)
            gaps = [(width[a] + width[b]) / 2 + _between_nodes for a, b in pairwise(row)]
            x.update(zip(row, _apart(wished, weights, gaps), strict=True))
    left = min((x[item] - width[item] / 2 for row in rows for item in row), default=0.0)
    return {item: round(at - left + _margin, 1) for item, at in x.items()}


def _near(item: Node, x: dict[Node, float], chains: _Chains, down: bool) -> list[tuple[float, float]]:
    """(place, weight) of what an item should be near to; a lane goes straight on as the sweep does."""
    above, below = chains.above.get(item, []), chains.below.get(item, [])
    if isinstance(item, _Lane):
        onward = above if down else [other for other in below if isinstance(other, _Lane)]
        if onward:
            return [(x[other], 2.0) for other in onward]
    computed = bool(above)  # what is computed from one another is kept straighter than where a leaf joins
    return [
        *((x[other], 4.0 if other in chains.above else 1.0) for other in above),
        *((x[other], 4.0 if computed else 1.0) for other in below),
    ]


def _apart(wished: list[float], weights: list[float], gaps: list[float]) -> list[float]:
    """The places nearest to those wished, in least squares, that are at least the gaps apart.

    Without the gaps this is the regression to an increasing sequence: neighbours in the wrong order are
    pooled at their mean.

    >>> _apart([0.0, 0.0, 10.0], [1.0, 1.0, 1.0], [4.0, 4.0])
    [-2.0, 2.0, 10.0]
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # (weighted sum, weight, how many)
    for wish, weight, offset in zip(wished, weights, offsets, strict=False):
        total, heavy, count = (wish - offset) * weight, weight, 1
        while pools and pools[-1][0] / pools[-1][1] > total / heavy:
            before = pools.pop()
            total, heavy, count = total + before[0], heavy + before[1], count + before[2]
        pools.append((total, heavy, count))
    means = [total / heavy for total, heavy, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _route(
    edge: tuple[Node, Node],
    chains: _Chains,
    layer: dict[Node, int],
    x: dict[Node, float],
    bounds: list[tuple[float, float]],
    centres: dict[Node, Point],
    sizes: Mapping[Node, tuple[float, float]],
) -> list[Point]:
    a, b = edge
    points = [(centres[a][0], centres[a][1] + sizes[a][1] / 2)]
    if points[0][1] < bounds[layer[a]][1]:
        points.append((points[0][0], bounds[layer[a]][1]))
    for i in range(layer[a] + 1, layer[b]):
        at = x[_Lane(a, i)]
        points += [(at, bounds[i][0]), (at, bounds[i][1])]
    end = centres[b][1] - sizes[b][1] / 2
    if bounds[layer[b]][0] < end:
        points.append((centres[b][0], bounds[layer[b]][0]))
    return [*points, (centres[b][0], end)]


def _spread(arrows: dict[tuple[Node, Node], list[Point]], sizes: Mapping[Node, tuple[float, float]]) -> None:
    """Let the arrows that end at one node end side by side, in the order in which they come."""
    ending: dict[Node, list[tuple[Node, Node]]] = {}
    for edge in arrows:
        ending.setdefault(edge[1], []).append(edge)
    for node, edges in ending.items():
        step = min(14.0, 0.6 * sizes[node][0] / len(edges))
        edges.sort(key=lambda edge: next(x for x, y in reversed(arrows[edge]) if y < arrows[edge][-1][1] - 9))
        for k, edge in enumerate(edges):
            x, y = arrows[edge][-1]
            at = round(x + (k - (len(edges) - 1) / 2) * step, 1)
            arrows[edge] = [
                *((at if px == x and py > y - 9 else px, py) for px, py in arrows[edge][:-1]),
                (at, y),
            ]
