"""regularization: the ledger of what penalises which parameter of a model, and how strongly."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal, Program, Variable
from minigrad.program.roles import dependent_on_data
from minigrad.reading import describe
from minigrad.show.derivation.notebook import html_table
from minigrad.show.derivation.question import checked
from minigrad.show.derivation.terms import Part, Term, Terms, norm, split_gradients
from minigrad.table import table
from minigrad.tensor import Tensor

_scales = (0.1, 1.0, 100.0, 1e3, 1e6)
"""How large the weights are at which a penalty's gradient is computed anew, to see whether it is 2c W."""


@dataclass(frozen=True)
class Row:
    """What the ledger says of one parameter W.

    name             its name; its path in the model if that is shared
    shape            its shape
    bias             whether it is a bias (decay=False, or an array of one axis called b, b1 ... or bias)
    trained          whether it needs a gradient
    penalties        the names of the terms of the loss that penalise it
    coefficient      c, if they come to c ‖W‖²_F: 0 if there are none, None if they are not L2
    expression       the gradient of the penalties as NumPy, "" if there are none
    penalty_norm     ‖∂penalties/∂W‖_F
    data_norm        ‖∂(the other terms)/∂W‖_F
    optimizer_decay  the optimizer's weight_decay, 0 if it does not touch W
    kinds            of each of `penalties`, "L2", "L1", or "" for another one
    depends_on       the names of what else is trained and c depends on: then c ‖W‖² is not L2
    """

    name: str
    shape: tuple[int, ...]
    bias: bool
    trained: bool
    penalties: tuple[str, ...]
    coefficient: float | None
    expression: str
    penalty_norm: float
    data_norm: float
    optimizer_decay: float
    kinds: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    @property
    def weight_decay(self) -> float | None:
        """The effective λ/m = 2c: the weight_decay that gives the same gradient 2c W."""
        return None if self.coefficient is None else 2 * self.coefficient


@dataclass(frozen=True)
class Ledger:
    """Which parameters a loss penalises, by how much, and what to beware of.

    loss       the loss's name
    rows       one Row for each parameter of the model, in definition order
    notes      how to say the same in PyTorch and Keras, and what has no equivalent
    warnings   sentences: decayed twice, penalised biases, weights left out ...
    optimizer  the name of the optimizer's kind, "" without one
    """

    loss: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    optimizer: str

    def __getitem__(self, name: str) -> Row:
        """The row of a parameter: ledger["W3"].coefficient.

        Raises: KeyError for a name that the model does not have.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(
            f"there is no {name!r} in the model; there are {_listed(row.name for row in self.rows)}"
        )

    def _cells(self) -> list[list[str]]:
        head = ["parameter", "shape", "penalty", "c", "λ/m = 2c", "‖∂penalty‖", "‖∂data‖"]
        rows = [head]
        for row in self.rows:
            cells = [row.name, str(row.shape), ", ".join(row.penalties) or "-", "-", "-", "-"]
            if row.penalties:
                c = row.coefficient
                known = ["not L2", "-"] if c is None else [_number(c), _number(2 * c)]
                cells[3:] = [*known, f"{row.penalty_norm:.4g}"]
            rows.append([*cells, f"{row.data_norm:.4g}" if row.trained else "not trained"])
        if self.optimizer:
            for cells, decay in zip(
                rows, [self.optimizer, *(r.optimizer_decay for r in self.rows)], strict=True
            ):
                cells.append(decay if isinstance(decay, str) else f"{decay:g}" if decay else "-")
        return rows

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for row in cells:
            left = [f"{cell:<{width}}" for cell, width in zip(row[:3], widths, strict=False)]
            right = [f"{cell:>{width}}" for cell, width in zip(row[3:], widths[3:], strict=True)]
            lines.append("  ".join([*left, *right]).rstrip())
        gradients = [f"d{r.name}[penalty] = {r.expression}" for r in self.rows if r.penalties]
        blocks = ["\n".join(lines), "\n".join(gradients), "\n".join(map(_wrapped, self.notes))]
        blocks.append("\n".join(_wrapped(f"warning: {warning}") for warning in self.warnings))
        return "\n\n".join(block for block in blocks if block)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The table, then the notes and the warnings."""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        warnings = "".join(f"<p><b>warning:</b> {escape(warning)}</p>" for warning in self.warnings)
        return html_table(self._cells()) + notes + warnings


def regularization(model: Any, loss: Tensor, optimizer: Any = None) -> Ledger:
    """The ledger of a model's penalties:  c ‖W‖²_F in the loss has the gradient  2c W = λ/m W.

    A term of the loss (see `terms`) that depends on parameters and on no data of the model is a penalty: a
    fixed array in it, as a mask of the weights, is not data.  It is L2 for W if its derived gradient is k W
    with one and the same k at W and, computed anew, at other values of W and of all else that is trained.

    optimizer  whose weight_decay is to be compared: one that decays what the loss penalises decays it twice
    Raises:    TypeError for a model without parameters to ask for, or a loss that is no Tensor; ValueError
               for a loss that is no scalar, or depends on no parameter of the model; RuntimeError if a
               parameter was assigned to since.
    Source:    PyTorch's weight_decay w adds w W to the gradient (SGD, Adam); Keras's L2(l) adds l ΣW² to the
               loss: so w = 2c, and l = c.

    >>> from minigrad import nn
    >>> model, x = nn.Linear(2, 1, rng=0), np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> ledger = regularization(model, nn.mse_loss(model(x), x[:, :1]) + nn.l2_penalty(model, lambd=0.8, m=2))
    >>> ledger["W"].coefficient, ledger["W"].weight_decay, ledger["b"].penalties
    (0.2, 0.4, ())
    """
    if not callable(getattr(model, "named_parameters", None)):
        raise TypeError(f"regularization: a {type(model).__name__} has no named_parameters(); pass a model")
    forward = checked(loss, "regularization")
    parameters = _named(model)
    leaves = {leaf.tensor.stamp for leaf in forward.leaves}
    wanted = [p for p in parameters.values() if p.requires_grad and p.stamp in leaves]
    split = split_gradients(loss, forward, wanted)
    if not split.parts:
        raise ValueError(f"regularization: {describe(loss)} depends on no parameter of the model")
    penalties = _penalties(split.terms)
    names = {leaf.tensor.stamp: leaf.name for leaf in forward.leaves}
    names |= {p.stamp: name for name, p in parameters.items()}
    rows = tuple(
        _row(name, p, [part for part in split.parts if part.stamp == p.stamp], penalties, optimizer, names)
        for name, p in parameters.items()
    )
    kind = type(optimizer).__name__ if optimizer is not None else ""
    unused = [name for name, p in parameters.items() if p.stamp not in leaves]
    warnings = tuple(_warnings(split, rows, kind, unused))
    return Ledger(split.loss, rows, tuple(_notes(split.loss, rows, kind)), warnings, kind)


def _named(model: Any) -> dict[str, Tensor]:
    """The parameters by name, those that share a name by path."""
    found = list(model.named_parameters())
    names = [p.name for _, p in found]
    return {path if not p.name or names.count(p.name) > 1 else p.name: p for path, p in found}


# ---- what a penalty is


def _penalties(terms: Sequence[Term]) -> set[str]:
    """The names of the terms that depend on no data.

    A lone number that is no constant, as lambd = Tensor(0.9), is data only where no term has arrays of data.
    """
    programs = {term.name: Program(term.tensor) for term in terms}
    on_arrays = {name for name, program in programs.items() if _has_arrays(program)}
    if on_arrays:
        return programs.keys() - _on_data({name: programs[name] for name in on_arrays})
    return {
        name for name, program in programs.items() if program.outputs[0] not in dependent_on_data(program)
    }


def _on_data(programs: dict[str, Program]) -> set[str]:
    """Of the terms with arrays, those with what the model made of data, with such data, or random draws.

    Where no term has a call of a module in it, all do.
    """
    arrays = {
        name: {id(x) for e in program.equations for x in _arrays_in(e)} for name, program in programs.items()
    }
    called = {
        name
        for name, program in programs.items()
        if any(v.equation and v.call for v in dependent_on_data(program))
    }
    if not called:
        return set(programs)
    of_model = set().union(*(arrays[name] for name in called))
    return called | {name for name, p in programs.items() if p.generators or arrays[name] & of_model}


def _arrays_in(equation: Equation) -> Iterator[Any]:
    """The arrays of data and masks that an equation uses as they are."""
    for x in equation.inputs:
        if isinstance(x, Literal) and np.ndim(x.value):
            yield x.value
        elif isinstance(x, Variable) and x.kind in ("data", "mask") and x.tensor.ndim:
            yield x.tensor


def _has_arrays(program: Program) -> bool:
    """Whether data, a mask or a random draw is behind it, be it named or written in an equation."""
    literals = (x for equation in program.equations for x in equation.inputs if isinstance(x, Literal))
    return (
        bool(program.generators)
        or any(leaf.kind in ("data", "mask") and leaf.tensor.ndim for leaf in program.leaves)
        or any(np.ndim(x.value) for x in literals)
    )


def _row(
    name: str,
    p: Tensor,
    parts: Sequence[Part],
    penalties: set[str],
    optimizer: Any,
    names: Mapping[int, str],
) -> Row:
    own = [part for part in parts if part.term in penalties]
    factors = [_factor(part.gradient, p) for part in own]
    moved = [_moves_with(part.gradient, p, k) for part, k in zip(own, factors, strict=True)]
    factors = [None if others else k for k, others in zip(factors, moved, strict=True)]
    kinds = [
        "L2" if k is not None else "L1" if not others and _is_l1(part.gradient, p) else ""
        for part, k, others in zip(own, factors, moved, strict=True)
    ]
    known = [k for k in factors if k is not None]
    touched = optimizer is not None and any(p is q for q in optimizer.parameters) and optimizer.decays(p)
    return Row(
        name=name,
        shape=p.shape,
        bias=not getattr(p, "decay", True) or _is_called_bias(name, p),
        trained=p.requires_grad,
        penalties=tuple(part.term for part in own),
        coefficient=sum(known) / 2 if len(known) == len(factors) else None,
        expression=" + ".join(part.expression for part in own),
        penalty_norm=norm(sum(part.array for part in own)),
        data_norm=norm(sum(part.array for part in parts if part not in own)),
        optimizer_decay=float(optimizer.weight_decay) if touched else 0.0,
        kinds=tuple(kinds),
        depends_on=tuple(dict.fromkeys(names.get(x.stamp, x.name or "?") for xs in moved for x in xs)),
    )


def _is_called_bias(name: str, p: Tensor) -> bool:
    return p.ndim < 2 and re.fullmatch(r"b\d*|bias\d*", name.rpartition(".")[2]) is not None


def _factor(gradient: Tensor, W: Tensor) -> float | None:
    """k, if the gradient is k W, at W as it is and at every other W; else None.

    The derived gradient is computed anew at random weights of several sizes: W / ‖W‖, sign(W) or W³ may be
    parallel to W somewhere, but not with one k everywhere.
    """
    if not W.size:
        return None
    program = Program(gradient)
    close = _close(W)
    with np.errstate(all="ignore"):
        at_ones = np.asarray(_recomputed(program, {W.stamp: np.ones(W.shape, W.dtype)}))
        k = float(at_ones.flat[0])
        pairs = [(w, np.asarray(_recomputed(program, {W.stamp: w}))) for w in _probes(W)]
        pairs += [(np.ones(W.shape), at_ones), (W.data, gradient.data)]
        fits = all(norm(g - k * w) <= close * abs(k) * norm(w) for w, g in pairs)
    return k if fits else None


def _moves_with(gradient: Tensor, W: Tensor, k: float | None) -> list[Tensor]:
    """What else is trained, and changes k of a gradient k W."""
    if k is None:
        return []
    program = Program(gradient)
    ones = np.ones(W.shape, W.dtype)
    found = []
    with np.errstate(all="ignore"):
        for leaf in program.leaves:
            x = leaf.tensor
            if not x.requires_grad or x.stamp == W.stamp:
                continue
            moved = [np.asarray(_recomputed(program, {W.stamp: ones, x.stamp: v})) for v in _probes(x)]
            if not all(norm(g - k * ones) <= _close(W) * abs(k) * norm(ones) for g in moved):
                found.append(x)
    return found


def _is_l1(gradient: Tensor, W: Tensor) -> bool:
    """Whether the gradient is k sign(W), with one k ≠ 0 everywhere."""
    if not W.size:
        return False
    program = Program(gradient)
    with np.errstate(all="ignore"):
        k = float(np.asarray(_recomputed(program, {W.stamp: np.ones(W.shape, W.dtype)})).flat[0])
        pairs = [(w, np.asarray(_recomputed(program, {W.stamp: w}))) for w in _probes(W)]
    return k != 0 and all(norm(g - k * np.sign(w)) <= _close(W) * abs(k) * norm(np.sign(w)) for w, g in pairs)


def _close(W: Tensor) -> float:
    return float(np.sqrt(np.finfo(W.dtype).eps))


def _probes(x: Tensor) -> list[Any]:
    """Random values of several sizes, those whose squares the dtype holds."""
    rng = np.random.default_rng(0)
    largest = float(np.sqrt(float(np.finfo(x.dtype).max)))
    return [(s * rng.standard_normal(x.shape)).astype(x.dtype) for s in _scales if s < largest]


def _recomputed(program: Program, given: Mapping[int, Any]) -> Any:
    """The one output of a program at other values of some leaves, given by stamp."""
    values: dict[Variable, Any] = {
        leaf: given.get(leaf.tensor.stamp, leaf.tensor._value) for leaf in program.leaves
    }
    for equation in program.equations:
        inputs = [x.value if isinstance(x, Literal) else values[x] for x in equation.inputs]
        values[equation.output] = table[equation.function].compute(*inputs, **equation.parameters)
    return values[program.outputs[0]]


# ---- what is said about it


def _notes(loss: str, rows: Sequence[Row], optimizer: str) -> Iterator[str]:
    """The same penalty in PyTorch and Keras."""
    penalised = [row for row in rows if row.penalties]
    if not penalised:
        decayed = [row.name for row in rows if row.optimizer_decay]
        also = f"; {optimizer}'s weight_decay touches {_listed(decayed)}" if decayed else ""
        yield f"no term of {loss} is a penalty: each depends on data{also}"
    groups: dict[str, list[Row]] = {}
    for row in penalised:
        if row.depends_on:
            yield (
                f"{row.name}: {_listed(row.penalties)} is not c ‖{row.name}‖² with a fixed c: c depends on "
                f"{_listed(row.depends_on)}, so no weight_decay equals it"
            )
        elif row.coefficient is None:
            yield f"{row.name}: {_listed(row.penalties)} is not c ‖{row.name}‖², so no weight_decay equals it"
        else:
            groups.setdefault(_number(row.coefficient), []).append(row)
    spared = [row.name for row in rows if not row.penalties]
    for c, group in groups.items():
        names, decay = _listed(row.name for row in group), _number(2 * float(group[0].coefficient or 0))
        yield f"PyTorch: SGD or Adam with weight_decay={decay} for {names}"
        for argument, is_bias in (("kernel_regularizer", False), ("bias_regularizer", True)):
            alike = [row.name for row in group if row.bias == is_bias]
            if alike:
                yield f"Keras: {argument}=L2({c}) for {_listed(alike)}"
    if groups and spared:
        yield (
            f"PyTorch decays all that it is given: put {_listed(spared)} into a parameter group with "
            "weight_decay=0."
        )
    if groups:
        yield "AdamW's weight_decay is another thing: it is not part of the gradient that Adam divides by √v̂."


def _warnings(split: Terms, rows: Sequence[Row], optimizer: str, unused: Sequence[str]) -> Iterator[str]:
    penalised = [row for row in rows if row.penalties]
    decayed_too = [row for row in penalised if row.optimizer_decay]
    twice = [row for row in decayed_too if "L2" in row.kinds and row.coefficient != 0]
    if twice:
        terms = _listed(dict.fromkeys(name for row in twice for name in _of_kind(row, "L2")))
        yield (
            f"{_are(twice)} decayed twice: by {terms} in {split.loss} and by {optimizer}'s "
            f"weight_decay={twice[0].optimizer_decay:g}; drop one of the two"
        )
    for kind, what in (("L1", "an L1"), ("", "no c ‖W‖²")):
        pulled = [row for row in decayed_too if kind in row.kinds]
        if pulled:
            terms = _listed(dict.fromkeys(name for row in pulled for name in _of_kind(row, kind)))
            yield (
                f"{_are(pulled)} pulled at by both {terms} in {split.loss}, {what}, and {optimizer}'s "
                f"weight_decay={pulled[0].optimizer_decay:g}, an L2: these are two different penalties"
            )
    biases = [row for row in penalised if row.bias]
    if biases:
        yield f"{_are(biases)} penalised, but a bias shifts a neuron and does not make it steeper"
    decayed = [row for row in rows if row.bias and row.optimizer_decay and row not in biases]
    if decayed:
        yield f"{_are(decayed)} decayed by {optimizer}, but a bias does not make a neuron steeper"
    weights = [row for row in rows if row.trained and not row.bias]
    left_out = [row for row in weights if not row.penalties]
    others = [row for row in weights if row.penalties]
    if left_out and others:
        yield f"{_are(left_out)} not penalised, while {_are(others)}"
    upwards = [row for row in penalised if row.coefficient is not None and row.coefficient < 0]
    if upwards:
        yield f"{_are(upwards)} pushed to larger values: the coefficient is negative"
    if unused:
        yield f"{split.loss} does not depend on {_listed(unused)}"


def _of_kind(row: Row, kind: str) -> list[str]:
    return [name for name, k in zip(row.penalties, row.kinds, strict=True) if k == kind]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _are(rows: Sequence[Row]) -> str:
    return f"{_listed(row.name for row in rows)} {'is' if len(rows) == 1 else 'are'}"


def _number(x: float) -> str:
    return f"{x:.6g}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
