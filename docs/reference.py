"""Writes docs/reference.md from the docstrings: python docs/reference.py"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minigrad as mg
from minigrad import nn, optim

page = Path(__file__).with_name("reference.md")

head = """# Reference

Every public name, with its arguments (`name=` has a default) and the first sentence of its docstring. The
rest of it, `help(mg.grad)`, has shapes, equations, what is raised, sources and an example. The page is made
by `python docs/reference.py`, and a test compares the two. `mg` is `minigrad`, `nn` is `minigrad.nn`.
"""

sections: dict[str, tuple[str, str, str]] = {
    "Tensors": (
        "[tensors and the table](tensor-and-table.md)",
        "mg.",
        "Tensor constant primitive derivative no_grad enable_grad",
    ),
    "Gradients": (
        "[gradients](gradients.md), [transforms](transforms.md)",
        "mg.",
        "grad value_and_grad backward vjp jvp hvp jacobian hessian checkpoint",
    ),
    "Functions": (
        "[what has a row](tensor-and-table.md#what-has-a-row), [NumPy's functions](numpy-functions.md)",
        "mg.",
        "relu sigmoid softplus softmax log_softmax logsumexp",
    ),
    "Models": (
        "[layers](layers.md), [dropout](dropout.md)",
        "nn.",
        "Module Parameter Sequential Linear Dropout Embedding Flatten ReLU Sigmoid Tanh Softplus Softmax "
        "LogSoftmax fixed_masks",
    ),
    "Convolution and normalization": (
        "[convolution](convolution.md)",
        "nn.",
        "Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d BatchNorm1d BatchNorm2d LayerNorm",
    ),
    "Losses and penalties": (
        "[losses](losses.md), [L2](l2.md)",
        "nn.",
        "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy mse_loss l2_penalty",
    ),
    "Initial weights": (
        "[initial weights](layers.md#initial-weights)",
        "nn.initializers.",
        "he_normal he_uniform xavier_normal xavier_uniform zeros",
    ),
    "Optimizers and schedules": (
        "[optimizers](optimizers.md)",
        "mg.optim.",
        "SGD Adam AdamW StepLR CosineLR",
    ),
    "Training and data": (
        "[training](training.md), [saving](saving.md), [your own data](main-job.md#your-own-data)",
        "mg.",
        "fit training.EarlyStopping training.Checkpoint training.History training.Diverged save load "
        "data.Dataset data.batches data.load data.side_of_the_field data.breast_cancer data.digits",
    ),
    "Compiling": ("[compile](compile.md)", "mg.", "compile"),
    "Reading the graph": (
        "[derive](derive.md), [drawing](drawing.md), [step by step](steps.md)",
        "mg.",
        "derive draw steps",
    ),
    "Checking and teaching": (
        "[checking](checking.md), [grading](grading.md), [exercises](exercises.md), "
        "[mutation score](mutation-score.md), [pytest](testing-with-pytest.md)",
        "mg.",
        "gradcheck check_rule grade check.assert_gradients exercise find_the_bug mutation_score",
    ),
    "Experiments": (
        "[the main job](main-job.md#from-python), [sweep](sweep.md#from-python)",
        "mg.experiments.",
        "Setting regularization sweep Results",
    ),
}
"""Title -> pages, what stands before a name, names."""

members: dict[str, tuple[type, str, str]] = {
    "Tensor": (
        mg.Tensor,
        "t",
        "data grad item numpy detach tolist copy backward retain_grad register_hook requires_grad is_leaf "
        "origin reshape transpose",
    ),
    "Module": (
        nn.Module,
        "model",
        "forward parameters named_parameters modules named_modules train eval zero_grad state_dict "
        "load_state_dict to regularization",
    ),
    "Optimizer": (
        optim.Optimizer,
        "optimizer",
        "step zero_grad lr weight_decay persist state_dict load_state_dict",
    ),
}
"""Class -> what an object of it is called here, and its methods and attributes."""

of_numpy = """A Tensor also has NumPy's operators, indexing, `shape`, `ndim`, `size`, `dtype`, `T` and `mT`,
and methods that are NumPy's functions of the same names: `sum`, `mean`, `max`, `clip` ...
"""


def found(prefix: str, name: str) -> Any:
    """The object under a name such as nn.Linear."""
    value: Any = mg
    for part in (prefix + name).removeprefix("mg.").split("."):
        value = getattr(value, part)
    return value


def arguments(value: Any) -> str:
    """(a, b=): what it is called with, the defaults left out; an exception is not called."""
    if isinstance(value, type) and issubclass(value, Exception):
        return ""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(value).parameters
    refused = {"args"} if "args" in parameters and "kwargs" not in parameters else set()  # as Dropout(0.5)
    shown = [
        stars.get(p.kind, "") + p.name + ("=" if p.default is not p.empty else "")
        for p in parameters.values()
        if p.name not in {"self", *refused}
    ]
    return f"({', '.join(shown)})"


def sentence(value: Any) -> str:
    """The first sentence of a docstring, as the cell of a table."""
    paragraph = (inspect.getdoc(value) or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("|", "\\|").replace("<", "&lt;")


def rows() -> Iterator[str]:
    """The page, line by line."""
    yield head
    for title, (pages, prefix, names) in sections.items():
        yield f"## {title}\n\nSee {pages}.\n\n| | |\n|---|---|"
        for name in names.split():
            value = found(prefix, name)
            yield f"| `{prefix}{name}{arguments(value)}` | {sentence(value)} |"
        yield ""
    for title, (owner, called, names) in members.items():
        yield f"## {title}: methods and attributes\n\n| | |\n|---|---|"
        for name in names.split():
            value = inspect.getattr_static(owner, name)
            yield f"| `{called}.{name}{arguments(value) if callable(value) else ''}` | {sentence(value)} |"
        yield "\n" + of_numpy if owner is mg.Tensor else ""


def text() -> str:
    """The page."""
    return "\n".join(rows()).rstrip() + "\n"


if __name__ == "__main__":
    page.write_text(text(), encoding="utf-8")
