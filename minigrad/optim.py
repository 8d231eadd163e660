"""Optimizers and schedules; each cites its equation.

A step is assignment to leaves inside no_grad: `W -= lr * W.grad` for every parameter that has a gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, inf, pi, sqrt
from numbers import Integral, Real
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import beside, is_chunked, to_numpy
from minigrad.other_arrays.lazy import persisted
from minigrad.reading import describe
from minigrad.switches import recording
from minigrad.tensor import Tensor, assign, made
from minigrad.watch import watchers, watching


class Optimizer:
    """What all optimizers share: the parameters, the learning rate, weight decay, a state to save.

    parameters    leaves that need a gradient, such as model.parameters()
    lr            the learning rate, ≥ 0; it and weight_decay may be set between steps
    weight_decay  λ/m in the textbook's terms, ≥ 0; it touches weights, and biases (decay=False) only if
    decay_biases  is True; `print(optimizer)` says which
    Raises:       ValueError for numbers out of range (also when they are set), no parameters, or one given
                  twice; TypeError for what is not a leaf Tensor that needs a gradient.
    """

    slots: tuple[str, ...] = ()
    """What is kept for each parameter: arrays of its shape, and perhaps a count."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        weight_decay: float = 0.0,
        decay_biases: bool = False,
    ) -> None:
        name = type(self).__name__
        if isinstance(parameters, Tensor):
            raise TypeError(f"{name}: give a list of parameters, [W], not one Tensor")
        if hasattr(parameters, "parameters"):
            raise TypeError(f"{name}: give model.parameters(), not the {type(parameters).__name__} itself")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{name}: there are no parameters (an iterator that was used up?)")
        for p in self.parameters:
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: a {type(p).__name__} is not a Tensor; give model.parameters()")
            if not p.is_leaf or not p.requires_grad:
                what = "needs no gradient" if p.is_leaf else "is a result, not a leaf"
                raise TypeError(f"{name}: {describe(p)} {what}; give only leaf Tensors that need a gradient")
        twice = {
            describe(p) for i, p in enumerate(self.parameters) if any(p is q for q in self.parameters[:i])
        }
        if twice:
            raise ValueError(f"{name}: given twice: {', '.join(sorted(twice))}")
        self.lr = lr
        self.weight_decay = weight_decay
        self.decay_biases = bool(decay_biases)
        self.steps = 0
        self.state: list[dict[str, Any]] = [{} for _ in self.parameters]

    @property
    def lr(self) -> float:
        """The learning rate; what is set is checked, and is a float from then on."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = _checked(type(self).__name__, "lr", value)

    @property
    def weight_decay(self) -> float:
        """λ/m; what is set is checked, and is a float from then on."""
        return self._weight_decay

    @weight_decay.setter
    def weight_decay(self, value: float) -> None:
        self._weight_decay = _checked(type(self).__name__, "weight_decay", value)

    def step(self) -> None:
        """One update of every parameter that has a gradient; the others stay as they are."""
        if watchers and (watcher := watching()):
            watcher.optimizer_step(self)
            return
        states = self.state.copy()
        kinds = self.kinds()
        numbers = {kind: self.numbers(*kind) for kind in set(kinds)}
        updates = []
        last = self.slots[-1] if self.slots else ""
        for i, p in enumerate(self.parameters):
            if p._grad is not None:
                state = states[i]
                if state and type(state[last]) is not type(p._value):
                    state = _beside(state, p._value)
                w, states[i] = self.updated(p._value, p._grad._value, state, numbers[kinds[i]])
                updates.append((p, w))
        before = recording.get()
        try:  # all or, if an update overflows where that is an error, none
            recording.set(False)
            for p, w in updates:
                assign(p, w)
        finally:
            recording.set(before)
        self.state = states
        self.steps += 1

    def persist(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Compute lazy parameters, gradients and state in one pass, and go on from their values.

        tensors   others to be computed in the same pass, such as the cost: given back without a graph.  What
                  the modules that they come from keep, such as running statistics, is computed with them
        Raises:   what Dask raises if it cannot be computed, and nothing is changed: the step can be persisted
                  again, by another cluster or here
        See       docs/arrays-that-scale.md; of arrays that are computed already nothing is done
        """
        if not any(is_chunked(t._value) for t in (*self.parameters, *tensors)):
            return tuple(t.detach() for t in tensors)
        holders = [*self.parameters, *(p._grad for p in self.parameters if p._grad is not None)]
        holders += [t for t in _kept_by_modules(tensors) if not any(t is p for p in self.parameters)]
        results = [t.detach() for t in tensors]
        slots = [(state, slot) for state in self.state for slot in state if slot != "count"]
        lazy = [t._value for t in holders] + [state[slot] for state, slot in slots]
        lazy += [t._value for t in results]
        arrays = iter(persisted(lazy, len(results)))
        for t in holders:
            t._value = next(arrays)
        for state, slot in slots:
            state[slot] = next(arrays)
        for t in results:
            t._value = next(arrays)
        return tuple(results)

    def kinds(self) -> list[tuple[bool, int]]:
        """What the numbers of each parameter's next update depend on: (is it decayed, updates so far)."""
        n = len(self.parameters)
        decayed = list(map(self.decays, self.parameters)) if self._weight_decay else [False] * n
        counted = "count" in self.slots
        counts = [state["count"] if state else 0 for state in self.state] if counted else [0] * n
        return list(zip(decayed, counts, strict=True))

    def numbers(self, decayed: bool, count: int) -> dict[str, float | None]:
        """The numbers that the next update of a parameter is made with; None for what is left out.

        decayed  whether weight decay touches the parameter
        count    how many updates it has had, for optimizers that count them
        """
        return {"lr": self._lr, "decay": self._weight_decay if decayed else None}

    def choices(self) -> tuple[Any, ...]:
        """What decides which operations an update is made of, beside what is kept for each parameter."""
        return bool(self._weight_decay), self.decay_biases

    def updated(self, w: Any, g: Any, state: dict[str, Any], n: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The new value of a parameter w with gradient g, and its new state; nothing is changed in place.

        state  what is kept for the parameter, {} before its first update
        n      `numbers` for it; they, w, g and the state may also be Tensors
        """
        raise TypeError(f"{type(self).__name__} defines no update")

    def decays(self, parameter: Tensor) -> bool:
        """Whether weight_decay touches a parameter: weights always, biases if decay_biases."""
        return self.decay_biases or getattr(parameter, "decay", True)

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters (.grad becomes None)."""
        for p in self.parameters:
            p.grad = None

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update, under the names of the constructor's keywords."""
        return {"lr": self.lr, "weight_decay": self.weight_decay, "decay_biases": self.decay_biases}

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on: hyperparameters, number of steps, arrays per parameter."""
        return {
            "kind": type(self).__name__,
            "hyperparameters": self.hyperparameters(),
            "steps": self.steps,
            "state": [
                {slot: kept if slot == "count" else np.array(to_numpy(kept)) for slot, kept in state.items()}
                for state in self.state
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, or raise ValueError and change nothing."""
        name = f"{type(self).__name__}.load_state_dict"
        _check_keys(name, state, self.state_dict())
        if state["kind"] != type(self).__name__:
            raise ValueError(f"{name}: the state is of {state['kind']!r}")
        _check_keys(name, state["hyperparameters"], self.hyperparameters())
        likes = [made(p._value, requires_grad=True) for p in self.parameters]  # one may be frozen by now
        fresh = type(self)(likes, **state["hyperparameters"])
        fresh.parameters = self.parameters
        fresh.steps = _checked(name, "steps", state["steps"], whole=True)
        if not isinstance(state["state"], list | tuple) or len(state["state"]) != len(self.parameters):
            raise ValueError(f"{name}: wanted the states of {len(self.parameters)} parameters")
        fresh.state = [
            self._checked_slots(name, p, kept)
            for p, kept in zip(self.parameters, state["state"], strict=True)
        ]
        vars(self).update(vars(fresh))

    def _checked_slots(self, name: str, p: Tensor, kept: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        if kept != {}:  # as long as a parameter has had no gradient, nothing is kept
            _check_keys(f"{name}: {describe(p)}", kept, dict.fromkeys(self.slots))
        for slot, value in kept.items():
            if slot == "count":
                state[slot] = _checked(name, slot, value, whole=True)
                continue
            array = np.array(to_numpy(value))
            if array.shape != p.shape or array.dtype.kind != "f":
                raise ValueError(f"{name}: {slot}, {array.dtype} {array.shape}, does not fit {describe(p)}")
            state[slot] = beside(array.astype(p.dtype, copy=False), p._value)
        return state

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={value!r}" for key, value in self.hyperparameters().items())
        names = [p.name or f"parameter {i}" for i, p in enumerate(self.parameters)]
        text = f"{type(self).__name__}({', '.join(names)}; {numbers})"
        if self.weight_decay:
            decayed = [name for name, p in zip(names, self.parameters, strict=True) if self.decays(p)]
            spared = [name for name, p in zip(names, self.parameters, strict=True) if not self.decays(p)]
            text += f"\n  weight_decay touches {', '.join(decayed) or 'nothing'}"
            text += f", not {', '.join(spared)}" if spared else ""
        return text


class SGD(Optimizer):
    """Gradient descent  w ← w - lr (v or g),  with momentum  v ← μ v + g,  g including weight_decay · w.

    momentum   μ in [0, 1)
    nesterov   look ahead: the step is along g + μ v
    Source:    Polyak 1964; Sutskever et al. 2013, equations (1)-(4); lr stands outside v, as in PyTorch.

    With weight_decay = λ/m it takes the steps of the in-graph penalty λ/(2m) Σ‖W‖².

    >>> w = Tensor([1.0], requires_grad=True, name="w")
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).backward([1.0]); optimizer.step(); w
    Tensor([0.8], name='w', requires_grad=True)
    """

    slots = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decay_biases: bool = False,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay, decay_biases=decay_biases)
        self.momentum = _checked("SGD", "momentum", momentum, below=1)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov=True needs a momentum > 0")
        self.nesterov = bool(nesterov)

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update."""
        return {**super().hyperparameters(), "momentum": self.momentum, "nesterov": self.nesterov}

    def numbers(self, decayed: bool, count: int) -> dict[str, float | None]:
        """lr, weight decay and momentum."""
        return {**super().numbers(decayed, count), "momentum": self.momentum or None}

    def choices(self) -> tuple[Any, ...]:
        """Also whether there is momentum, and which."""
        return *super().choices(), bool(self.momentum), self.nesterov

    def updated(self, w: Any, g: Any, state: dict[str, Any], n: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """w - lr (v or g), and v."""
        if n["decay"] is not None:
            g = n["decay"] * w + g
        if n["momentum"] is not None:
            v = n["momentum"] * state["velocity"] + g if state else g
            g = n["momentum"] * v + g if self.nesterov else v
            state = {"velocity": v}
        return (-n["lr"]) * g + w, state  # the first product is a temporary, into which NumPy adds


class Adam(Optimizer):
    """w ← w - lr m̂ / (√v̂ + ε),  with running means m of g and v of g², corrected for their start at 0.

    betas         (β₁, β₂), each in [0, 1)
    eps           ε > 0
    weight_decay  added to the gradient, as the in-graph penalty is: it is divided by √v̂ like the rest, so
                  parameters with large gradients are decayed less; AdamW keeps the two apart
    Source:       Kingma and Ba 2015, algorithm 1.
    """

    slots = ("count", "mean", "square")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decay_biases: bool = False,
    ) -> None:
        name = type(self).__name__
        super().__init__(parameters, lr, weight_decay=weight_decay, decay_biases=decay_biases)
        try:
            b1, b2 = betas
        except (TypeError, ValueError):
            raise ValueError(f"{name}: betas must be two numbers (β₁, β₂), not {betas!r}") from None
        self.betas = (_checked(name, "betas", b1, below=1), _checked(name, "betas", b2, below=1))
        self.eps = _checked(name, "eps", eps, above=0)

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update."""
        return {**super().hyperparameters(), "betas": self.betas, "eps": self.eps}

    def numbers(self, decayed: bool, count: int) -> dict[str, float | None]:
        """Also β₁, β₂ and ε, the number of the step, and what corrects the means for their start at 0."""
        t = count + 1
        b1, b2 = self.betas
        own = {"b1": b1, "b2": b2, "eps": self.eps, "count": t}
        rates = {"rate": -self._lr / (1 - b1**t), "root": sqrt(1 - b2**t)}
        return {**super().numbers(decayed, count), **own, **rates}

    def updated(self, w: Any, g: Any, state: dict[str, Any], n: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """w - lr m̂ / (√v̂ + ε), and the means."""
        if n["decay"] is not None:
            g = n["decay"] * w + g
        step, state = self._adaptive_step(g, state, n)
        return step + w, state

    def _adaptive_step(self, g: Any, state: dict[str, Any], n: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """-lr m̂ / (√v̂ + ε), and the new running means."""
        m, v = (1 - n["b1"]) * g, (1 - n["b2"]) * (g * g)
        if state:
            m, v = n["b1"] * state["mean"] + m, n["b2"] * state["square"] + v
        step = n["rate"] * m / (np.sqrt(v) / n["root"] + n["eps"])
        return step, {"count": n["count"], "mean": m, "square": v}


class AdamW(Adam):
    """Adam with decoupled weight decay  w ← w - lr weight_decay w - lr m̂ / (√v̂ + ε).

    The decay is not divided by √v̂, so it is the same fraction of every weight at every step.  An L2 penalty
    in the graph is not: Adam rescales it with the gradient.  The two agree for SGD only.

    Source:  Loshchilov and Hutter 2019, algorithm 2.
    """

    def updated(self, w: Any, g: Any, state: dict[str, Any], n: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """(1 - lr weight_decay) w - lr m̂ / (√v̂ + ε), and the means."""
        step, state = self._adaptive_step(g, state, n)
        return step + (w if n["decay"] is None else (1 - n["lr"] * n["decay"]) * w), state


class Schedule:
    """Sets an optimizer's learning rate after every `step()` of the schedule, from the rate it began with."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: a {type(optimizer).__name__} is not an optimizer")
        self.optimizer = optimizer
        self.initial_lr = optimizer.lr
        self.count = 0

    def step(self) -> None:
        """Count one step (or epoch) and set the learning rate for the next."""
        if watchers and (watcher := watching()):
            watcher.schedule_step(self)
        self.optimizer.lr = self._rate(self.count + 1)
        self.count += 1

    def _rate(self, count: int) -> float:
        """The learning rate after so many steps."""
        raise TypeError(f"{type(self).__name__} defines no rate")

    def state_dict(self) -> dict[str, Any]:
        """The numbers that a later step depends on: initial_lr, count and the constructor's arguments."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, the learning rate too, or raise ValueError and change nothing."""
        name = f"{type(self).__name__}.load_state_dict"
        _check_keys(name, state, self.state_dict())
        arguments = dict(state)
        initial_lr = _checked(name, "initial_lr", arguments.pop("initial_lr"))
        count = _checked(name, "count", arguments.pop("count"), whole=True)
        fresh = type(self)(self.optimizer, **arguments)
        fresh.initial_lr, fresh.count = initial_lr, count
        self.optimizer.lr = fresh._rate(count)
        vars(self).update(vars(fresh))


class StepLR(Schedule):
    """lr = lr₀ γ^⌊t / step_size⌋.

    >>> optimizer = SGD([Tensor(1.0, requires_grad=True)], lr=1.0); schedule = StepLR(optimizer, 2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(optimizer.lr); schedule.step()
    >>> rates
    [1.0, 1.0, 0.5, 0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, *, gamma: float = 0.1) -> None:
        super().__init__(optimizer)
        self.step_size = _checked("StepLR", "step_size", step_size, above=0, whole=True)
        self.gamma = _checked("StepLR", "gamma", gamma, above=0)

    def _rate(self, count: int) -> float:
        return self.initial_lr * self.gamma ** (count // self.step_size)


class CosineLR(Schedule):
    """lr = lr_min + (lr₀ - lr_min) (1 + cos(π t / T)) / 2,  and lr_min after T steps.

    Source:  Loshchilov and Hutter 2017 (SGDR), equation (5).
    """

    def __init__(self, optimizer: Optimizer, steps: int, *, lr_min: float = 0.0) -> None:
        super().__init__(optimizer)
        self.steps = _checked("CosineLR", "steps", steps, above=0, whole=True)
        self.lr_min = _checked("CosineLR", "lr_min", lr_min)

    def _rate(self, count: int) -> float:
        f = (1 + cos(pi * min(count / self.steps, 1))) / 2
        return (
            f * self.initial_lr + (1 - f) * self.lr_min
        )  # so arranged, it is lr₀ at 0 and lr_min at T to the bit


def _kept_by_modules(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The state of the modules in whose calls the graph of these Tensors was made."""
    nodes, modules, seen = list(tensors), {}, set()
    for node in nodes:  # grows while it is read
        scope = node.scope
        while scope is not None:
            module, _, scope = scope
            modules[id(module)] = module
        for x in node.inputs:
            if isinstance(x, Tensor) and x.stamp not in seen:
                seen.add(x.stamp)
                nodes.append(x)
    kept = [
        x for module in modules.values() for x in module._state_entries().values() if isinstance(x, Tensor)
    ]
    return list({id(x): x for x in kept}.values())


def _beside(state: dict[str, Any], w: Any) -> dict[str, Any]:
    """What is kept for a parameter, moved to where the parameter has been moved since (Module.to)."""
    return {slot: kept if slot == "count" else beside(kept, w) for slot, kept in state.items()}


def _check_keys(who: str, state: Any, wanted: Mapping[str, Any]) -> None:
    if not isinstance(state, Mapping) or set(state) != set(wanted):
        found = ", ".join(map(str, state)) if isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise ValueError(
            f"{who}: the state has {found or 'nothing'}; wanted {', '.join(wanted) or 'nothing'}"
        )


def _checked(
    who: str, name: str, value: Any, *, above: float | None = None, below: float = inf, whole: bool = False
) -> Any:
    """The value as an int (whole=True) or a float, if it is a number ≥ 0, or > above, and < below."""
    valid = isinstance(value, Integral if whole else Real) and not isinstance(value, bool | np.bool)
    if not valid or not (value >= 0 if above is None else value > above) or not value < below:
        low = "≥ 0" if above is None else f"> {above:g}"
        high = f" and < {below:g}" if below < inf else ""
        raise ValueError(f"{who}: {name} must be a {'whole ' * whole}number {low}{high}, not {value!r}")
    return int(value) if whole else float(value)
