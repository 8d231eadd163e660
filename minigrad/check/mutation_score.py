"""mutation_score: how good is a test of gradients?  Break rules, one at a time, and see what it notices."""

from __future__ import annotations

import inspect
import textwrap
import unittest
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from html import escape
from io import StringIO
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from minigrad.backprop import grad
from minigrad.check.broken import Broken, OutOfTime, Rule, changes, rules_of
from minigrad.check.oracle import generic, leading
from minigrad.tensor import Tensor

_breaking = Lock()
"""Held while rules are broken: there is one table."""


@dataclass(frozen=True)
class Mutant:
    """One rule, broken in one way, and what became of it.

    rule     "np.multiply, rule of a with a mask"
    change   "× 1.001", "sign flipped", "dropped", "transposed", "not un-broadcast" or "mask dropped"
    reached  whether the test applied the rule at all
    note     of a killed one what the test said, of a survivor what would catch it
    """

    rule: str
    change: str
    reached: bool = False
    note: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.change}"


@dataclass(frozen=True)
class MutationScore:
    """True if the test noticed every broken rule.

    killed      those that the test noticed
    survivors   those that it passed
    equivalent  those that change no gradient of the function, so that no test of it can notice them; they
                count for nothing
    """

    killed: tuple[Mutant, ...]
    survivors: tuple[Mutant, ...]
    equivalent: tuple[Mutant, ...] = ()

    def __bool__(self) -> bool:
        return not self.survivors

    @property
    def score(self) -> float:
        """Of the rule that the test guards worst, the fraction of its changes that was noticed, in [0, 1].

        A gradient is a product along a chain: it is as right as the worst of its rules.
        """
        killed, of_them = self.rules[self._worst]
        return killed / of_them

    @property
    def noticed(self) -> float:
        """Of all broken rules, the fraction that the test noticed, in [0, 1]."""
        return len(self.killed) / (len(self.killed) + len(self.survivors))

    @property
    def _worst(self) -> str:
        """The rule of which the smallest fraction was noticed; of several the one with the most changes."""
        return min(self.rules.items(), key=lambda item: (item[1][0] / item[1][1], -item[1][1]))[0]

    @property
    def rules(self) -> dict[str, tuple[int, int]]:
        """Per rule: how many changes the test noticed, of how many."""
        found: dict[str, tuple[int, int]] = {}
        for mutants, noticed in ((self.killed, 1), (self.survivors, 0)):
            for mutant in mutants:
                killed, all_of_them = found.get(mutant.rule, (0, 0))
                found[mutant.rule] = killed + noticed, all_of_them + 1
        return found

    def _head(self) -> str:
        n, same = len(self.killed) + len(self.survivors), len(self.equivalent)
        score = int(1000 * self.score) / 1000  # what is not all is not shown as 1
        head = f"mutation score {score:.3g}: the test noticed {len(self.killed)} of {n} broken rules"
        head += f" ({same} more, not counted, change no gradient of the function)" if same else ""
        if not self.killed or not self.survivors:
            return head
        killed, of_them = self.rules[self._worst]
        return f"{head}, and of {self._worst}, which it guards worst, {killed} of {of_them}"

    def _groups(self) -> dict[str, dict[str, str]]:
        """The survivors by what would catch them: the changes of each rule."""
        groups: dict[str, dict[str, str]] = {}
        for mutant in self.survivors:
            of_rule = groups.setdefault(mutant.note, {})
            before = of_rule.get(mutant.rule)
            of_rule[mutant.rule] = mutant.change if before is None else f"{before}, {mutant.change}"
        return groups

    def __str__(self) -> str:
        lines = textwrap.wrap(self._head(), 80)
        for note, rules in self._groups().items():
            lines += ["", *textwrap.wrap(f"{note}:", 80)]
            for rule, names in rules.items():
                lines += textwrap.wrap(f"  {rule}: {names}", 80, subsequent_indent="      ")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The rules by the changes, then what would catch the survivors."""
        marks = {(m.rule, m.change): "noticed" for m in self.killed}
        marks |= {(m.rule, m.change): "<b>survived</b>" for m in self.survivors}
        marks |= {(m.rule, m.change): "no effect" for m in self.equivalent}
        rules = dict.fromkeys(rule for rule, _ in marks)
        head = "".join(f"<th>{escape(change)}</th>" for change in changes)
        rows = "".join(
            f"<tr><td>{escape(rule)}</td>"
            + "".join(f"<td>{marks.get((rule, change), '')}</td>" for change in changes)
            + "</tr>"
            for rule in rules
        )
        notes = "".join(
            f"<p>{escape(note)}:</p><ul>"
            + "".join(f"<li>{escape(f'{rule}: {names}')}</li>" for rule, names in of_rule.items())
            + "</ul>"
            for note, of_rule in self._groups().items()
        )
        table = f"<table><tr><th></th>{head}</tr>{rows}</table>"
        return f"<p>{escape(self._head())}</p>{table}{notes}"


def mutation_score(
    test: Callable[[], Any], function: Callable[[], Any] | Tensor, *, timeout: float | None = None
) -> MutationScore:
    """How many of the rules behind a function's gradient a test of gradients notices when they are broken.

    Each rule that the graph of `function` uses is broken in turn: multiplied by 1.001, its sign flipped,
    dropped (0), transposed where the shape stays, not un-broadcast (of the copies to be summed the first is
    taken alone), its mask dropped.  A rule counts apart where an operand is a mask, as in dropout.

    test      called without arguments; it raises if it finds the gradients wrong, and must pass as it is
    function  called once, without arguments, to give a Tensor or several; or a Tensor that is computed
    timeout   seconds that a run of the test may take with a rule broken; a longer one counts as noticed (a
              training that no longer converges).  Twenty times the run without, and five seconds at least,
              if not given.  It is looked at where the broken rule is applied
    Returns:  a MutationScore: `.score` of the rule that the test guards worst, `.noticed` of all, `.killed`,
              `.survivors` with what would catch each, `.equivalent`.  The table is as before, whatever
              happens; other threads compute with the right rules meanwhile
    Raises:   ValueError if the test fails with nothing broken, at first or in the end (it draws at random, or
              keeps state), or if there is nothing to break; TypeError for a test that cannot fail because it
              returns its verdict, and for what cannot be called; RuntimeError while another one is running.

    >>> W = Tensor([[1.0, -2.0, 0.5]], requires_grad=True, name="W")
    >>> def test():
    ...     W.grad = None; np.sum(np.tanh(W)).backward()
    ...     assert np.allclose(W.grad, 1 - np.tanh(W.data)**2, atol=0.01)
    >>> mutation_score(test, lambda: np.sum(np.tanh(W)))
    mutation score 0.666: the test noticed 4 of 6 broken rules, and of np.tanh, rule
    of a, which it guards worst, 2 of 3
    <BLANKLINE>
    an error of 0.1 % passed; compare in float64, to 1e-7 of the gradient's size, as
    mg.gradcheck does:
      np.tanh, rule of a: × 1.001
      np.sum, rule of a: × 1.001
    """
    _check_callable(test, "test", "the code that checks the gradients")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"mutation_score: timeout= is a number of seconds, not {timeout!r}")
    if not _breaking.acquire(blocking=False):
        raise RuntimeError(
            "mutation_score: another one is running, and there is one table to break: let one end first"
        )
    try:
        planned = list(_Graph(_outputs_of(function)).mutants())  # at once: a test may assign to the leaves
        limit = _unbroken(test, timeout)
        killed, survivors, equivalent = [], [], []
        for rule, change, same in planned:
            if same:
                equivalent.append(Mutant(str(rule), change, note="it changes no gradient of the function"))
                continue
            broken = Broken(rule, change, monotonic() + limit)
            with broken.in_the_table(), _quiet():
                said = _failure(test, limit)
            if said is None:
                survivors.append(Mutant(str(rule), change, broken.reached, _what_would_catch(broken)))
            elif not broken.changed:
                raise ValueError(
                    f"mutation_score: the test failed where nothing that it computes was broken ({said}): it "
                    "draws at random, or keeps state from run to run; give it a seed, and make what it uses "
                    "inside it"
                )
            else:
                killed.append(Mutant(str(rule), change, broken.reached, said))
        _passes(test, "passes at first, and now fails")
    finally:
        _breaking.release()
    if not killed and not survivors:
        raise ValueError(
            "mutation_score: no broken rule changes a gradient of the function, which is 0 or empty: there "
            "is nothing to notice; choose other inputs"
        )
    return MutationScore(tuple(killed), tuple(survivors), tuple(equivalent))


# ---- the function's graph


class _Graph:
    """Recorded outputs, and their gradients with respect to all leaves."""

    def __init__(self, outputs: list[Tensor]) -> None:
        self.rules = rules_of([pair for y in outputs for pair in leading([y])])
        self.outputs = [(y, generic(y._value, n), _leaves(y)) for n, y in enumerate(outputs)]
        self.right = self.gradients()

    def gradients(self) -> list[np.ndarray]:
        """∂(Σ w y)/∂leaf for each output and each of its leaves, with the rules as the table has them."""
        return [
            g.data
            for y, w, leaves in self.outputs
            for g in grad(y, leaves, gradient=w.astype(y.dtype), allow_unused=True)
        ]

    def mutants(self) -> Iterator[tuple[Rule, str, bool]]:
        """(rule, change, whether it changes no gradient), for each change that has something to act on."""
        for rule in self.rules:
            for change in changes:
                broken = Broken(rule, change)
                with broken.in_the_table(), _quiet(), np.errstate(all="ignore"):
                    try:
                        same = all(map(_equal, self.gradients(), self.right))
                    except (TypeError, ValueError):  # backpropagation refuses it, so it does not go unnoticed
                        same = False
                if broken.applied:
                    yield rule, change, same


def _outputs_of(function: Any) -> list[Tensor]:
    if not isinstance(function, Tensor | list | tuple):
        _check_callable(function, "function", "the code whose graph is tested, or a Tensor that it computes")
        function = function()
    outputs = list(function) if isinstance(function, list | tuple) else [function]
    for y in outputs:
        if not isinstance(y, Tensor):
            raise TypeError(
                f"mutation_score: the function gives a {type(y).__name__}, not a Tensor; the arguments are "
                "(test, function), the function gives what the test is about"
            )
        if not y.requires_grad or y.is_leaf:
            raise ValueError(
                f"mutation_score: the function gives {y!r}, which is not computed from anything that needs a "
                "gradient: there is no rule to break"
            )
    if not outputs:
        raise ValueError("mutation_score: the function gives no Tensor: there is no rule to break")
    return outputs


def _leaves(y: Tensor) -> list[Tensor]:
    found = {
        x.stamp: x
        for _, (_, inputs, _) in leading([y])
        for x in inputs
        if isinstance(x, Tensor) and x.requires_grad and x.is_leaf
    }
    return list(found.values())


def _equal(g: np.ndarray, right: np.ndarray) -> bool:
    """Whether two gradients are the same to rounding."""
    if np.array_equal(g, right, equal_nan=True):
        return True
    close = 8 * np.finfo(right.dtype).eps * np.max(np.abs(right), initial=0.0)
    return bool(np.all(np.abs(g - right) <= close))


# ---- the test


def _check_callable(function: Any, argument: str, wanted: str) -> None:
    if not callable(function):
        raise TypeError(
            f"mutation_score: {argument} is a {type(function).__name__}; it must be a function without "
            f"arguments, {wanted}"
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(
            f"mutation_score: {argument} is a coroutine or a generator, which does nothing when called; give "
            "a function that runs it"
        )
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise TypeError(
            f"mutation_score: {argument} must be callable without arguments, and {error}; write "
            f"lambda: {getattr(function, '__name__', 'model')}(...)"
        ) from None
    except ValueError:  # a builtin without a signature: calling it will tell
        return


def _unbroken(test: Callable[[], Any], timeout: float | None) -> float:
    """Run the test as it is, twice; the seconds that it may take."""
    seconds = []
    for _ in range(2):
        start = monotonic()
        returned = _passes(test, "fails")
        seconds.append(monotonic() - start)
        if isinstance(returned, bool | np.bool_):
            raise TypeError(
                f"mutation_score: the test returns {returned}: a verdict that is returned stops nobody; "
                "write assert, so that it raises"
            )
        if inspect.isawaitable(returned):
            getattr(returned, "close", int)()
            raise TypeError("mutation_score: the test returns a coroutine, so nothing of it was run")
    return timeout if timeout is not None else max(5.0, 20 * max(seconds))


def _passes(test: Callable[[], Any], what: str) -> Any:
    """What the test returns; it is to pass."""
    try:
        return test()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # pytest's outcomes are no Exceptions
        if _is_skip(error):
            raise ValueError(f"mutation_score: the test is skipped ({error}): nothing is scored") from error
        raise ValueError(
            f"mutation_score: the test {what} with no rule broken ({_first_line(error)}): "
            + (
                "make it pass first"
                if what == "fails"
                else "it draws at random, or keeps state from run to run; nothing can be said"
            )
        ) from error


def _failure(test: Callable[[], Any], limit: float) -> str | None:
    """What the test says when it fails, or None if it passes."""
    try:
        test()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except OutOfTime:
        return f"it ran for more than {limit:.3g} s"
    except BaseException as error:  # pytest's outcomes are no Exceptions
        return None if _is_skip(error) else _first_line(error)
    return None


def _is_skip(error: BaseException) -> bool:
    return isinstance(error, unittest.SkipTest) or type(error).__name__ == "Skipped"


def _first_line(error: BaseException) -> str:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """What is printed or warned of while a rule is broken says nothing; a filter that raises still does."""
    with warnings.catch_warnings(record=True), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        yield


def _what_would_catch(broken: Broken) -> str:
    if not broken.reached and broken.rule.masked:
        return (
            "the test takes no product with a mask (dropout in eval mode has none); run it in training mode, "
            "with the masks held by mg.nn.fixed_masks(model)"
        )
    if not broken.reached:
        return "the test never applies this; let it take the gradient of the function itself"
    if not broken.changed:
        return _inputs_that_tell[broken.change]
    if broken.change == "× 1.001":
        return (
            "an error of 0.1 % passed; compare in float64, to 1e-7 of the gradient's size, as mg.gradcheck "
            "does"
        )
    return (
        "a gradient was changed and the test passed; compare every entry of every gradient with numbers in "
        "which the rules have no part, as mg.gradcheck does"
    )


_inputs_that_tell = dict.fromkeys(
    changes, "in the test the gradient is 0 here; choose inputs at which it is not"
) | {
    "transposed": "in the test this gradient is symmetric or not square; choose a square one that is neither",
    "not un-broadcast": "in the test nothing is broadcast here; choose shapes that are, a bias and 7 rows",
    "mask dropped": "in the test everything passes here, or nothing; choose inputs on both sides",
}
