"""What of a program is drawn, and in which boxes: the calls of its modules, folded where there is too much.

A picture within its limit shows everything.  In a larger one first the penalties, and the middle of
every long row of calls, are folded into one node each; then the modules, the innermost first, so that
the outer ones are open as deep as the limit allows.  What is too large even so (a loop without modules)
is drawn from its newest end.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import numpy as np

from minigrad.program import Call, Equation, Literal, Program, Variable
from minigrad.show import symbols

_ends_of_a_row = 3


class Group:
    """A box of the picture.

    kind     "picture", "call" of a module, "penalty", or "row": the middle of a long row of calls
    call     the call; None for the other kinds
    parent   the box that it is in
    depth    how many boxes it is inside of
    rank     the level from which on it is open
    members  the leaves and results that stand directly in it, in the order of the program
    groups   the boxes in it
    fold     the outermost closed box that it is, or is inside of; None if it is open
    """

    __slots__ = ("call", "depth", "fold", "groups", "kind", "members", "parent", "rank")

    def __init__(self, kind: str, parent: Group | None = None, call: Call | None = None) -> None:
        self.kind = kind
        self.call = call
        self.parent = parent
        self.depth = 0
        self.rank = 0
        self.members: list[Variable] = []
        self.groups: list[Group] = []
        self.fold: Group | None = None
        if parent:
            parent.groups.append(self)

    def tree(self) -> list[Group]:
        """It and all boxes in it, each after the one that it is in."""
        groups = [self]
        for group in groups:  # grows while it is read
            groups.extend(group.groups)
        return groups

    def inside(self) -> list[Variable]:
        """Everything in it, at any depth."""
        return [variable for group in self.tree() for variable in group.members]

    @property
    def calls(self) -> list[Call]:
        """The call that it stands for, or those that a row does."""
        return [group.call for group in ([self] if self.call else self.groups) if group.call]

    @property
    def title(self) -> str:
        """What is written on it."""
        if self.call is not None:
            return caption(self.call)
        if self.kind == "penalty":
            return "penalty"
        again = any(call.number > 1 for call in self.calls)
        return f"… {len(self.groups):,} more {'calls' if again else 'modules'} …"


def caption(call: Call) -> str:
    """A call as a title: 0: Linear(2, 20), and which call it is of a module that is called again."""
    kind = type(call.module).__name__
    text = f"{kind}({call.module.extra_repr()})"
    if call.path and call.path != kind:
        text = f"{call.path}: {text}"
    return f"{text}, {symbols.ordinal(call.number)} call" if call.repeated else text


class Elision:
    """What stands for the older part of a graph that is not drawn."""

    __slots__ = ("leaves", "operations")

    def __init__(self, operations: int, leaves: int) -> None:
        self.operations = operations
        self.leaves = leaves

    def __str__(self) -> str:
        operations = f"{self.operations:,} more operations" if self.operations else ""
        leaves = f"{self.leaves:,} more leaves" if self.leaves else ""
        return " and ".join(filter(None, (operations, leaves)))


class View:
    """Where every value of a program is to be seen.

    home     value -> the innermost box that it belongs in
    groups   the boxes, each after the one that it is in; the first is the picture itself
    place    value -> what stands for it: itself, the closed Group that it is in, or the Elision
    elision  the Elision, if there is one
    notices  sentences on what is not shown
    """

    def __init__(self, program: Program, roles: dict[Variable, str], max_nodes: int | None) -> None:
        everything = _in_order(program)
        nodes = len(everything) + sum(len(array_literals(equation)) for equation in program.equations)
        too_large = max_nodes is not None and nodes > max_nodes
        picture, self.home = _homes(program, roles, shorten_rows=too_large)
        self.groups = picture.tree()
        for variable in everything:
            self.home[variable].members.append(variable)
        self.elision: Elision | None = None
        self.notices: list[str] = []
        self.place: dict[Variable, Variable | Group | Elision] = {v: v for v in everything}
        if max_nodes is not None and too_large:
            self._fold(program, max_nodes)

    def _fold(self, program: Program, max_nodes: int) -> None:
        """Close boxes from the innermost level up, until the picture is within its limit."""
        sizes = _sizes(self.groups)
        level = next((i for i in reversed(range(len(sizes))) if sizes[i] <= max_nodes), 0)
        for group in self.groups[1:]:
            assert group.parent is not None
            group.fold = group.parent.fold or (group if group.rank > level else None)
        self.place.update((v, fold) for v in self.place if (fold := self.home[v].fold))
        hidden = sum(isinstance(self.place[equation.output], Group) for equation in program.equations)
        if hidden:
            self.notices.append(f"{hidden:,} of {len(program.equations):,} operations are folded into boxes")
        if sizes[level] > max_nodes:
            self._elide(program, max_nodes)
        if self.notices:
            self.notices.append(f"draw(..., max_nodes=None) draws all; here it is {max_nodes}")

    def _elide(self, program: Program, max_nodes: int) -> None:
        """Keep the newest operations, the leaves that they use and, if they are few, the other leaves."""
        leaves = [leaf for leaf in program.leaves if self.place[leaf] is leaf]
        few = len(leaves) <= max_nodes // 2
        budget = max(max_nodes - len(leaves) - 1 if few else max_nodes // 2, 1)
        kept: set[Variable | Group | Elision] = set()
        used: set[Variable | Literal] = set(program.outputs)
        for equation in reversed(program.equations):
            place = self.place[equation.output]
            if place in kept or len(kept) < budget:
                kept.add(place)
                if place is equation.output:
                    used.update(equation.inputs)
        older = [e.output for e in program.equations if self.place[e.output] not in kept]
        unseen = [] if few else [leaf for leaf in leaves if leaf not in used]
        if older or unseen:
            self.elision = Elision(len(older), len(unseen))
            self.place.update(dict.fromkeys(older + unseen, self.elision))
            self.notices.append(f"{self.elision} are not drawn")


def array_literals(equation: Equation) -> list[tuple[int, Literal]]:
    """(position, operand) of the operands that are arrays but no Tensors: these are drawn as nodes."""
    return [(i, x) for i, x in enumerate(equation.inputs) if isinstance(x, Literal) and np.ndim(x.value) > 0]


def _in_order(program: Program) -> list[Variable]:
    """Every value: a leaf before its first use, a result when it is computed."""
    found: dict[Variable, None] = {}
    for equation in program.equations:
        found.update((x, None) for x in equation.inputs if isinstance(x, Variable))
        found[equation.output] = None
    found.update(dict.fromkeys(program.outputs))
    return list(found)


def _homes(
    program: Program, roles: dict[Variable, str], shorten_rows: bool
) -> tuple[Group, dict[Variable, Group]]:
    """The picture, and the innermost box of every value."""
    picture = Group("picture")
    of_call: dict[Call | None, Group] = {None: picture}
    for call in program.calls:
        of_call[call] = Group("call", of_call[call.parent], call)
    penalties: dict[Call | None, Group] = {}
    home: dict[Variable, Group] = {}
    for equation in program.equations:
        where = equation.output.call
        if roles.get(equation.output) != "penalty":
            home[equation.output] = of_call[where]
            continue
        if where not in penalties:
            penalties[where] = Group("penalty", of_call[where])
        home[equation.output] = penalties[where]
    if shorten_rows:
        _shorten_rows(program, picture, home)
    _rank(picture)
    uses: dict[Variable, list[Group]] = {leaf: [] for leaf in program.leaves}
    for equation in program.equations:
        for x in equation.inputs:
            if isinstance(x, Variable) and x.equation is None:
                uses[x].append(home[equation.output])
    for leaf, used_in in uses.items():
        if leaf.kind == "parameter":  # it stands where the model uses it, also if a penalty does
            used_in = [group for group in used_in if group.depth and group.kind != "penalty"]
        group = _common(used_in)
        while group and leaf.kind == "data" and group.kind != "row":  # data stand outside of every module
            group = group.parent
        home[leaf] = group or picture
    return picture, home


def _rank(picture: Group) -> None:
    """Count how deep the boxes are; penalties and rows, whose parts look alike, are opened last."""
    groups = picture.tree()
    for group in groups[1:]:
        assert group.parent is not None
        group.depth = group.parent.depth + 1
    deepest = max(group.depth for group in groups)
    for group in groups:
        kept_closed = group.kind in ("penalty", "row") or (group.parent and group.parent.rank > deepest)
        group.rank = deepest + 1 if kept_closed else group.depth


def _shorten_rows(program: Program, picture: Group, home: dict[Variable, Group]) -> None:
    """Put the middle of every long row of calls, and what is computed between them, into a box of its own."""
    first: dict[Group, int] = {}
    last: dict[Group, int] = {}
    for number, equation in enumerate(program.equations):
        group: Group | None = home[equation.output]
        while group is not None:
            first.setdefault(group, number)
            last[group] = number
            group = group.parent
    rows: dict[Group, tuple[int, int, Group]] = {}
    for group in picture.tree():
        calls = [inner for inner in group.groups if inner.kind == "call"]
        middle = calls[_ends_of_a_row:-_ends_of_a_row]
        if len(middle) > _ends_of_a_row:
            others = [inner for inner in group.groups if inner.kind != "call"]
            row = Group("row", group)
            row.groups = middle
            for inner in middle:
                inner.parent = row
            group.groups = [*calls[:_ends_of_a_row], row, *calls[-_ends_of_a_row:], *others]
            rows[group] = first[middle[0]], last[middle[-1]], row
    for number, equation in enumerate(program.equations):
        group = home[equation.output]
        if group in rows and rows[group][0] <= number <= rows[group][1]:
            home[equation.output] = rows[group][2]


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
