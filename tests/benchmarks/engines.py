"""The engines: each makes a function that does one training step of a network and returns the cost."""

from __future__ import annotations

import sys

import numpy as np
from hand_written import make_step as make_hand_written
from networks import Network, networks


def make_minigrad(network: Network):
    """minigrad, eager, with its layers, its penalty and its optimizer."""
    X, Y, step = _minigrad_step(network)
    return lambda: step(X, Y).item()


def _minigrad_step(network: Network):
    """The data, and a function of them that makes one step and gives the cost."""
    import minigrad as mg

    X, Y = network.data()
    X, Y = mg.Tensor(X, name="X"), mg.Tensor(Y, name="Y")
    rng = np.random.default_rng(2)
    layers = []
    for n_in, n_out in zip(network.sizes, network.sizes[1:], strict=False):
        layers += [mg.nn.Linear(n_in, n_out, rng=rng, dtype=network.dtype), mg.nn.ReLU()]
        layers += [mg.nn.Dropout(keep_prob=network.keep_prob, rng=rng)]
    model = mg.nn.Sequential(*layers[:-2])
    for parameter, value in zip(model.parameters(), network.parameters(), strict=True):
        with mg.no_grad():
            parameter.data = value
    optimizer = mg.optim.SGD(model.parameters(), lr=network.lr)
    loss = mg.nn.binary_cross_entropy_with_logits if network.binary else mg.nn.cross_entropy

    def step(X: mg.Tensor, Y: mg.Tensor) -> mg.Tensor:
        J = loss(model(X), Y) + mg.nn.l2_penalty(model, lambd=network.lambd, m=network.batch)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    return X, Y, step


def make_minigrad_compiled(network: Network):
    """minigrad, the same step recorded once and replayed."""
    import minigrad as mg

    X, Y, step = _minigrad_step(network)
    compiled = mg.compile(step)
    return lambda: compiled(X, Y).item()


def make_minigrad_functional(network: Network):
    """minigrad, eager, without layers and optimizer: functions of Tensors, the update by hand."""
    import minigrad as mg

    X, Y = map(mg.Tensor, network.data())
    parameters = [mg.Tensor(p, requires_grad=True) for p in network.parameters()]
    weights, biases = parameters[::2], parameters[1::2]
    rng, keep_prob = np.random.default_rng(2), network.keep_prob

    def step() -> float:
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = mg.relu(A @ W.T + b)
            A = A * mg.random.bernoulli(rng, A.shape, keep_prob) / keep_prob
        Z = A @ weights[-1].T + biases[-1]
        if network.binary:
            J = np.mean(mg.functions.cross_entropy_of_logit(Z, Y))
        else:
            J = -np.mean(np.sum(Y * mg.log_softmax(Z, axis=1), axis=1))
        J = J + network.lambd / (2 * network.batch) * sum(np.sum(W**2) for W in weights)
        gradients = mg.grad(J, parameters)
        with mg.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                p -= network.lr * g
        return J.item()

    return step


def make_torch(network: Network):
    """PyTorch eager: torch.nn, torch.optim.SGD, the penalty in the graph."""
    import torch
    from torch import nn

    X, Y = map(torch.tensor, network.data())
    layers = []
    for n_in, n_out in zip(network.sizes, network.sizes[1:], strict=False):
        layers += [nn.Linear(n_in, n_out, dtype=X.dtype), nn.ReLU(), nn.Dropout(1 - network.keep_prob)]
    model = nn.Sequential(*layers[:-2])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), network.parameters(), strict=True):
            parameter.copy_(torch.tensor(value))
    weights = [p for p in model.parameters() if p.ndim == 2]
    optimizer = torch.optim.SGD(model.parameters(), lr=network.lr)
    loss = nn.functional.binary_cross_entropy_with_logits if network.binary else nn.functional.cross_entropy

    def step() -> float:
        J = loss(model(X), Y) + network.lambd / (2 * network.batch) * sum(
            torch.sum(torch.square(W)) for W in weights
        )
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J.item()

    return step


def make_torch_functional(network: Network):
    """PyTorch eager without torch.nn and torch.optim: functions of tensors, the update by hand."""
    import torch
    from torch.nn import functional

    X, Y = map(torch.tensor, network.data())
    parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters()]
    weights, biases = parameters[::2], parameters[1::2]
    loss = functional.binary_cross_entropy_with_logits if network.binary else functional.cross_entropy

    def step() -> float:
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = functional.dropout(torch.relu(A @ W.T + b), 1 - network.keep_prob)
        J = loss(A @ weights[-1].T + biases[-1], Y)
        J = J + network.lambd / (2 * network.batch) * sum(torch.sum(torch.square(W)) for W in weights)
        gradients = torch.autograd.grad(J, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                p -= network.lr * g
        return J.item()

    return step


def make_jax(network: Network):
    """jax.jit of the whole step."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", network.dtype == "float64")
    X, Y = map(jnp.asarray, network.data())
    parameters = [jnp.asarray(p) for p in network.parameters()]

    def cost(parameters, key):
        weights, biases = parameters[::2], parameters[1::2]
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            key, used = jax.random.split(key)
            A = jax.nn.relu(A @ W.T + b)
            A = A * jax.random.bernoulli(used, network.keep_prob, A.shape) / network.keep_prob
        Z = A @ weights[-1].T + biases[-1]
        if network.binary:
            J = jnp.mean(jax.nn.softplus(Z) - Y * Z)
        else:
            J = -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(Z), axis=1))
        return J + network.lambd / (2 * network.batch) * sum(jnp.sum(W * W) for W in weights)

    @jax.jit
    def update(parameters, key):
        key, used = jax.random.split(key)
        J, gradients = jax.value_and_grad(cost)(parameters, used)
        return [p - network.lr * g for p, g in zip(parameters, gradients, strict=True)], key, J

    key = jax.random.key(2)

    def step() -> float:
        nonlocal parameters, key
        parameters, key, J = update(parameters, key)
        return float(J)

    return step


engines = {
    "hand-written NumPy": make_hand_written,
    "minigrad, compiled": make_minigrad_compiled,
    "minigrad, eager": make_minigrad,
    "minigrad, functional": make_minigrad_functional,
    "PyTorch, torch.nn": make_torch,
    "PyTorch, functional": make_torch_functional,
    "jax.jit": make_jax,
}


def main() -> None:
    """Time one engine on one network in this process; prints the seconds of every step."""
    from time import perf_counter

    engine, network, seconds = sys.argv[1], networks[sys.argv[2]], float(sys.argv[3])
    if engine.startswith("PyTorch"):
        import os

        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    step = engines[engine](network)
    costs = [step() for _ in range(20)]  # warm-up
    times = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        costs.append(step())
        times.append(perf_counter() - start)
    if not np.isfinite(costs).all():
        raise SystemExit(f"{engine}: the cost is not finite")
    print(*times)


if __name__ == "__main__":
    main()
