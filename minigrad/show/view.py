"""What of a program is drawn, and in which boxes: the calls of its modules, folded where there is too much to see.

Boxes are opened from the outside in, level by level, as long as the picture stays within its limit; a box that is not
opened is one node.  What is too large even so (a loop without modules) is drawn from its newest end.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import numpy as np

from minigrad.program import Call, Equation, Literal, Program, Variable


class Group:
    """A box of the picture: the picture itself, a call of a module, or a penalty.

    call     the call; None for the picture and a penalty
    depth    how many boxes it is inside of
    rank     the level from which on it is open; a penalty, all of whose parts look alike, is opened last
    members  the leaves and results that stand directly in it, in the order of the program
    groups   the boxes in it
    fold     the outermost closed box that it is, or is inside of; None if it is open
    """

    __slots__ = ("call", "depth", "fold", "groups", "members", "parent", "rank")

    def __init__(self, parent: Group | None, call: Call | None) -> None:
        self.parent = parent
        self.call = call
        self.depth: int = parent.depth + 1 if parent else 0
        self.rank = self.depth
        self.members: list[Variable] = []
        self.groups: list[Group] = []
        self.fold: Group | None = None
        if parent:
            parent.groups.append(self)

    def inside(self) -> list[Variable]:
        """Everything in it, at any depth."""
        groups = [self]
        for group in groups:  # grows while it is read
            groups.extend(group.groups)
        return [variable for group in groups for variable in group.members]


class Elision:
    """What stands for the older part of a graph that is not drawn."""

    __slots__ = ("leaves", "operations")

    def __init__(self, operations: int, leaves: int) -> None:
        self.operations = operations
        self.leaves = leaves


class View:
    """Where every value of a program is to be seen.

    groups   the boxes, each after the one that it is inside of; the first is the picture itself
    place    value -> what stands for it: itself, the closed Group that it is in, or the Elision; a leaf that only
             elided operations use may have none
    elision  the Elision, if there is one
    notices  sentences on what is not shown
    """

    def __init__(self, program: Program, roles: dict[Variable, str], max_nodes: int | None) -> None:
        root = Group(None, None)
        self.groups = [root]
        self.elision: Elision | None = None
        self.notices: list[str] = []
        home = self._homes(program, roles, root)
        for variable in _in_order(program):
            home[variable].members.append(variable)
        sizes = _sizes(self.groups)
        level = len(sizes) - 1
        if max_nodes is not None:
            level = next((i for i in reversed(range(len(sizes))) if sizes[i] <= max_nodes), 0)
        for group in self.groups[1:]:
            assert group.parent is not None
            group.fold = group.parent.fold or (group if group.rank > level else None)
        self.place: dict[Variable, Variable | Group | Elision] = {v: home[v].fold or v for v in home}
        hidden = sum(isinstance(self.place[e.output], Group) for e in program.equations)
        if hidden:
            self.notices.append(
                f"{hidden:,} of {len(program.equations):,} operations are folded into boxes "
                f"(max_nodes={max_nodes}; None draws all)"
            )
        if max_nodes is not None and sizes[level] > max_nodes:
            self._elide(program, max_nodes)

    def _homes(self, program: Program, roles: dict[Variable, str], root: Group) -> dict[Variable, Group]:
        """The innermost box of every value."""
        of_call: dict[Call | None, Group] = {None: root}
        for call in program.calls:
            of_call[call] = Group(of_call[call.parent], call)
            self.groups.append(of_call[call])
        penalty: dict[Call | None, Group] = {}
        home: dict[Variable, Group] = {}
        uses: dict[Variable, list[Group]] = {leaf: [] for leaf in program.leaves}
        for equation in program.equations:
            call = equation.output.call
            if roles.get(equation.output) == "penalty":
                if call not in penalty:
                    penalty[call] = Group(of_call[call], None)
                    self.groups.append(penalty[call])
                group = penalty[call]
            else:
                group = of_call[call]
            home[equation.output] = group
            for x in equation.inputs:
                if x in uses:
                    uses[x].append(group)  # type: ignore[index]
        for group in penalty.values():
            group.rank = max(other.depth for other in self.groups)
        for leaf, groups in uses.items():
            if leaf.kind == "data":
                groups = []
            elif leaf.kind == "parameter":  # it stands where the model uses it, also if a penalty does
                groups = [group for group in groups if group.call]
            home[leaf] = _common(groups) or root
        return home

    def _elide(self, program: Program, max_nodes: int) -> None:
        """Keep the newest operations, the leaves that they use and, if they are few, the other leaves."""
        leaves = [leaf for leaf in program.leaves if self.place[leaf] is leaf]
        few = len(leaves) <= max_nodes // 2
        budget = max_nodes - len(leaves) - 1 if few else max_nodes // 2
        kept: set[Variable | Group | Elision] = set()
        used: set[Variable | Literal] = set()
        for equation in reversed(program.equations):
            place = self.place[equation.output]
            if place in kept or len(kept) < max(budget, 1):
                kept.add(place)
                used.update(equation.inputs)
        older = [e.output for e in program.equations if self.place[e.output] not in kept]
        unseen = [] if few else [leaf for leaf in leaves if leaf not in used and leaf not in program.outputs]
        self.elision = Elision(len(older), len(unseen))
        self.place.update(dict.fromkeys(older, self.elision))
        for leaf in unseen:
            del self.place[leaf]
        self.notices.append(f"{len(older):,} older operations are not drawn (max_nodes={max_nodes}; None draws all)")


def array_literals(equation: Equation) -> list[tuple[int, Literal]]:
    """(position, operand) of the operands that are arrays but no Tensors: they are drawn as nodes, numbers are not."""
    return [(i, x) for i, x in enumerate(equation.inputs) if isinstance(x, Literal) and np.ndim(x.value) > 0]


def _in_order(program: Program) -> list[Variable]:
    """Every value: a leaf before its first use, a result when it is computed."""
    found: dict[Variable, None] = {}
    for equation in program.equations:
        found.update((x, None) for x in equation.inputs if isinstance(x, Variable))
        found[equation.output] = None
    found.update(dict.fromkeys(program.outputs))
    return list(found)


def _common(groups: Iterable[Group]) -> Group | None:
    """The innermost group that all of the groups are, or are inside of."""
    common: Group | None = None
    for group in groups:
        other: Group | None = group
        common = common or other
        while common is not other:
            assert common is not None
            assert other is not None
            if common.depth >= other.depth:
                common = common.parent
            else:
                other = other.parent
    return common


def _sizes(groups: list[Group]) -> list[int]:
    """How many nodes are drawn if the boxes up to a level are open, for every level."""
    change = [0] * (max(group.rank for group in groups) + 2)
    for group in groups:
        nodes = sum(1 + (len(array_literals(v.equation)) if v.equation else 0) for v in group.members)
        change[group.rank] += nodes  # seen from the level on which its box is open
        change[-1] -= nodes
        if group.parent:
            change[group.parent.rank] += 1  # closed, it is a node from where its parent is open
            change[group.rank] -= 1
    return list(accumulate(change))[:-1]
