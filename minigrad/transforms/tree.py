"""Nested arguments and results: lists, tuples, dicts and Modules of arrays, numbers and Tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Number
from typing import Any

import numpy as np

from minigrad.nn.module import Module
from minigrad.tensor import Tensor

OfLeaf = Callable[[str, Any], Any]


def mapped(function: OfLeaf, tree: Any, path: str, *, of_parameter: OfLeaf | None = None) -> Any:
    """The same structure with function(path, leaf) for each leaf; a Module becomes a dict by path.

    path          what the tree is called in messages
    of_parameter  is called on the parameters of a Module, which then stays as it is

    >>> mapped(lambda path, x: path, {"W": 1.0, "b": [2.0, None]}, "p")
    {'W': "p['W']", 'b': ["p['b'][0]", None]}
    """
    if isinstance(tree, Module):
        parameters = [(name, p) for name, p in tree.named_parameters() if p.requires_grad]
        found = {name: (of_parameter or function)(f"{path}.{name}", p) for name, p in parameters}
        return found if of_parameter is None else tree
    if isinstance(tree, dict):
        return {
            key: mapped(function, x, f"{path}[{key!r}]", of_parameter=of_parameter) for key, x in tree.items()
        }
    if isinstance(tree, list | tuple):
        entries = [mapped(function, x, f"{path}[{i}]", of_parameter=of_parameter) for i, x in enumerate(tree)]
        return type(tree)(*entries) if hasattr(tree, "_fields") else type(tree)(entries)
    return None if tree is None else function(path, tree)


def leaves_of(tree: Any, path: str) -> list[tuple[str, Any]]:
    """(path, leaf) of each leaf, in order."""
    found: list[tuple[str, Any]] = []
    mapped(lambda path, x: found.append((path, x)), tree, path)
    return found


def filled(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same structure with these leaves."""
    return mapped(lambda path, x: next(leaves), tree, "")


def matched(tree: Any, other: Any, path: str, who: str) -> list[tuple[str, Any, Any]]:
    """(path, leaf, leaf of the other) of two trees of one structure.

    Raises: ValueError, with the place, if the structures differ.
    """
    if isinstance(tree, Module):
        tree = mapped(lambda path, x: x, tree, path)
    pairs: list[tuple[Any, Any, Any]]
    if isinstance(tree, dict):
        if not isinstance(other, dict) or tree.keys() != other.keys():
            raise ValueError(f"{who}: for {path}, a dict with the keys {list(tree)}, came {_kind(other)}")
        pairs = [(f"{path}[{key!r}]", tree[key], other[key]) for key in tree]
    elif isinstance(tree, list | tuple):
        if not isinstance(other, list | tuple) or len(tree) != len(other):
            raise ValueError(f"{who}: for {path}, {len(tree)} values in a sequence, came {_kind(other)}")
        pairs = [(f"{path}[{i}]", x, y) for i, (x, y) in enumerate(zip(tree, other, strict=True))]
    else:
        return [] if tree is None else [(path, tree, other)]
    return [entry for where, x, y in pairs for entry in matched(x, y, where, who)]


def is_array(value: Any) -> bool:
    """Whether a value can be a leaf: a Tensor, an array of any library, a number."""
    return isinstance(value, Tensor | Number | np.generic) or hasattr(value, "__array_function__")


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict with the keys {list(value)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
