"""Optimizers and schedules; each cites its equation.

A step is assignment to leaves inside no_grad: `W -= lr * W.grad` for every parameter that has a gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, pi, sqrt
from numbers import Real
from typing import Any

import numpy as np

from minigrad.backprop import no_grad
from minigrad.tensor import Tensor, assign, describe


class Optimizer:
    """What all optimizers share: the parameters, the learning rate, weight decay, state that is saved and restored.

    parameters    leaves that need a gradient, such as model.parameters()
    lr            the learning rate, > 0; may be set between steps
    weight_decay  λ/m in the notes' terms, ≥ 0; it touches weights, and biases (decay=False) only if
    decay_biases  is True; `print(optimizer)` says which
    Raises:       ValueError for numbers out of range, no parameters, or one given twice; TypeError for a Tensor that is
                  not a leaf that needs a gradient.
    """

    slots: tuple[str, ...] = ()
    """What is kept for each parameter: arrays of its shape, and perhaps a count."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, *, weight_decay: float = 0.0, decay_biases: bool = False
    ) -> None:
        if isinstance(parameters, Tensor):
            raise TypeError(f"{type(self).__name__}: give a list of parameters, [W], not one Tensor")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"{type(self).__name__}: there are no parameters (an iterator that was used up?)")
        if len({id(p) for p in self.parameters}) < len(self.parameters):
            raise ValueError(f"{type(self).__name__}: a parameter is given twice")
        for p in self.parameters:
            if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
                what = describe(p) if isinstance(p, Tensor) else repr(p)
                raise TypeError(f"{type(self).__name__}: {what} is not a leaf Tensor that needs a gradient")
        self.lr = _checked(type(self).__name__, "lr", lr, above=0)
        self.weight_decay = _checked(type(self).__name__, "weight_decay", weight_decay, least=0)
        self.decay_biases = decay_biases
        self.steps = 0
        self.state: list[dict[str, Any]] = [{} for _ in self.parameters]

    def step(self) -> None:
        """One update of every parameter that has a gradient; the others stay as they are."""
        self.steps += 1
        with no_grad():
            for p, state in zip(self.parameters, self.state, strict=True):
                if p._grad is not None:
                    decay = self.weight_decay if self.decays(p) else 0.0
                    assign(p, self._updated(p._data, p._grad._data, decay, state))

    def _updated(self, w: Any, g: Any, decay: float, state: dict[str, Any]) -> Any:
        """The new value of a parameter w with gradient g."""
        raise TypeError(f"{type(self).__name__} defines no update")

    def decays(self, parameter: Tensor) -> bool:
        """Whether weight_decay touches a parameter: weights always, biases if decay_biases."""
        return self.decay_biases or getattr(parameter, "decay", True)

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters (.grad becomes None)."""
        for p in self.parameters:
            p.grad = None

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update."""
        return {"lr": self.lr, "weight_decay": self.weight_decay, "decay_biases": self.decay_biases}

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later step depends on: hyperparameters, the number of steps, the arrays per parameter."""
        return {
            "kind": type(self).__name__,
            "hyperparameters": self.hyperparameters(),
            "steps": self.steps,
            "state": [dict(state) for state in self.state],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, or raise ValueError and change nothing."""
        name = type(self).__name__
        if not isinstance(state, Mapping) or set(state) != {"kind", "hyperparameters", "steps", "state"}:
            raise ValueError(f"{name}.load_state_dict: this is not an optimizer's state")
        if state["kind"] != name or set(state["hyperparameters"]) != set(self.hyperparameters()):
            raise ValueError(f"{name}.load_state_dict: the state is of {state['kind']}")
        if len(state["state"]) != len(self.parameters):
            raise ValueError(
                f"{name}.load_state_dict: the state is for {len(state['state'])} parameters, there are "
                f"{len(self.parameters)}"
            )
        for p, kept in zip(self.parameters, state["state"], strict=True):
            for slot, array in kept.items():
                if slot not in self.slots or np.shape(array) != (() if slot == "count" else p.shape):
                    raise ValueError(
                        f"{name}.load_state_dict: {slot} of shape {np.shape(array)} does not belong to {describe(p)}"
                    )
        self.state = [
            {slot: value if slot == "count" else np.array(value, dtype=p.dtype) for slot, value in kept.items()}
            for p, kept in zip(self.parameters, state["state"], strict=True)
        ]
        self.steps = int(state["steps"])
        vars(self).update(state["hyperparameters"])

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={value!r}" for key, value in self.hyperparameters().items())
        names = [p.name or f"parameter {i}" for i, p in enumerate(self.parameters)]
        text = f"{type(self).__name__}({', '.join(names)}; {numbers})"
        if self.weight_decay:
            spared = [name for name, p in zip(names, self.parameters, strict=True) if not self.decays(p)]
            text += f"\n  weight_decay touches {', '.join(name for name in names if name not in spared)}" + (
                f", not {', '.join(spared)}" if spared else ""
            )
        return text


class SGD(Optimizer):
    """Gradient descent  w ← w - lr (v or g),  with momentum  v ← μ v + g,  g including weight_decay · w.

    momentum   μ in [0, 1)
    nesterov   look ahead: the step is along g + μ v
    Source:    Polyak 1964; Sutskever et al. 2013, equations (1)-(4), with the learning rate outside v as PyTorch has it.

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
        self.momentum = _checked("SGD", "momentum", momentum, least=0, below=1)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov=True needs a momentum > 0")
        self.nesterov = bool(nesterov)

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update."""
        return {**super().hyperparameters(), "momentum": self.momentum, "nesterov": self.nesterov}

    def _updated(self, w: Any, g: Any, decay: float, state: dict[str, Any]) -> Any:
        if decay:
            g = decay * w + g
        if self.momentum:
            v = state["velocity"] = self.momentum * state["velocity"] + g if state else g
            g = self.momentum * v + g if self.nesterov else v
        return (-self.lr) * g + w  # the first product is a temporary, into which NumPy adds


class Adam(Optimizer):
    """w ← w - lr m̂ / (√v̂ + ε),  with running means m of g and v of g², corrected for their start at 0.

    betas         (β₁, β₂), each in [0, 1)
    eps           ε > 0
    weight_decay  added to the gradient, as the in-graph penalty is: it is divided by √v̂ like the rest, so parameters
                  with large gradients are decayed less; AdamW keeps the two apart
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
        self.betas = tuple(_checked(name, "betas", beta, least=0, below=1) for beta in betas)
        self.eps = _checked(name, "eps", eps, above=0)

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers that define the update."""
        return {**super().hyperparameters(), "betas": self.betas, "eps": self.eps}

    def _updated(self, w: Any, g: Any, decay: float, state: dict[str, Any]) -> Any:
        if decay:
            g = decay * w + g
        return self._adaptive_step(g, state) + w

    def _adaptive_step(self, g: Any, state: dict[str, Any]) -> Any:
        """-lr m̂ / (√v̂ + ε)."""
        b1, b2 = self.betas
        t = state["count"] = state.get("count", 0) + 1
        m = state["mean"] = b1 * state.get("mean", 0.0) + (1 - b1) * g
        v = state["square"] = b2 * state.get("square", 0.0) + (1 - b2) * (g * g)
        return (-self.lr / (1 - b1**t)) * m / (np.sqrt(v) / sqrt(1 - b2**t) + self.eps)


class AdamW(Adam):
    """Adam with decoupled weight decay  w ← w - lr weight_decay w - lr m̂ / (√v̂ + ε).

    The decay is not divided by √v̂, so it is the same fraction of every weight at every step.  An L2 penalty in the
    graph is not: Adam rescales it with the gradient.  The two agree for SGD only.

    Source:  Loshchilov and Hutter 2019, algorithm 2.
    """

    def _updated(self, w: Any, g: Any, decay: float, state: dict[str, Any]) -> Any:
        return self._adaptive_step(g, state) + (1 - self.lr * decay) * w


class Schedule:
    """Sets an optimizer's learning rate after every `step()` of the schedule, from the rate it began with."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.initial_lr = optimizer.lr
        self.count = 0

    def step(self) -> None:
        """Count one step (or epoch) and set the learning rate for the next."""
        self.count += 1
        self.optimizer.lr = self.initial_lr * self._factor(self.count)

    def _factor(self, count: int) -> float:
        raise TypeError(f"{type(self).__name__} defines no factor")

    def state_dict(self) -> dict[str, Any]:
        """The numbers that a later step depends on."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state_dict, or raise ValueError and change nothing."""
        if not isinstance(state, Mapping) or set(state) != set(self.state_dict()):
            raise ValueError(f"{type(self).__name__}.load_state_dict: this is not a state of such a schedule")
        vars(self).update(state)
        self.optimizer.lr = self.initial_lr * (self._factor(self.count) if self.count else 1)


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
        self.step_size = _checked("StepLR", "step_size", step_size, least=1)
        self.gamma = _checked("StepLR", "gamma", gamma, above=0)

    def _factor(self, count: int) -> float:
        return self.gamma ** (count // self.step_size)


class CosineLR(Schedule):
    """lr = lr_min + (lr₀ - lr_min) (1 + cos(π t / T)) / 2,  and lr_min after T steps.

    Source:  Loshchilov and Hutter 2017 (SGDR), equation (5).
    """

    def __init__(self, optimizer: Optimizer, steps: int, *, lr_min: float = 0.0) -> None:
        super().__init__(optimizer)
        self.steps = _checked("CosineLR", "steps", steps, least=1)
        self.lr_min = _checked("CosineLR", "lr_min", lr_min, least=0)

    def _factor(self, count: int) -> float:
        low = self.lr_min / self.initial_lr
        return low + (1 - low) * (1 + cos(pi * min(count / self.steps, 1))) / 2


def _checked(
    who: str, name: str, value: Any, *, above: float = -np.inf, least: float = -np.inf, below: float = np.inf
) -> Any:
    if not isinstance(value, Real) or isinstance(value, bool) or not (value > above and least <= value < below):
        low = f"> {above:g}" if above > -np.inf else f">= {least:g}"
        raise ValueError(f"{who}: {name} must be {low}{f' and < {below:g}' if below < np.inf else ''}, not {value!r}")
    return value.item() if isinstance(value, np.generic) else value
