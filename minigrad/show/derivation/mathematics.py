"""NumPy text as mathematics in Unicode:  np.maximum(X @ W1.T, 0) * D1 / keep  is  max(X W1ᵀ, 0) ⊙ D1 ÷ keep.

For places that know letters only, as the nodes of a picture; `latex` writes what can be typeset.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable

from minigrad.show import symbols

_choice, _compared, _added, _summed, _times, _beside, _minus, _raised, _atom = range(9)
"""How tightly an expression binds: a where b, a < b, a + b, Σ a, a ⊙ b, a b, −a, aᵀ and a², a."""

Text = tuple[str, int]
"""What is written, and how tightly it binds."""

_superscripts = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_axes = {"0": "rows", "1": "columns", "-1": "last axis"}
_comparisons: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
_joined: dict[type[ast.operator], str] = {ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor"}
_short = {
    "maximum": "max",
    "minimum": "min",
    "sigmoid": "σ",
    "concatenate": "concat",
}
_reductions = frozenset(("sum", "mean", "max", "min", "prod", "var", "std"))


def mathematics(text: str, numbers: Collection[str] = ()) -> str:
    """The mathematics of an expression of NumPy's; one that is no expression stays as it is.

    numbers  the names that stand for a number: of two arrays the product is written ⊙

    >>> mathematics("lambd / (2 * m) * np.sum(np.square(W1))", {"lambd", "m"})
    'lambd/(2 m) · Σ W1²'
    >>> mathematics("dZ3 @ W3 * (Z2 > 0) / keep_prob", {"keep_prob"})
    'dZ3 W3 ⊙ 1[Z2 > 0] ÷ keep_prob'
    >>> mathematics("dZ3.sum(axis=0)")
    'Σ rows of dZ3'
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError):
        return text
    return _Writer(numbers).of(tree)[0]


class _Writer:
    """Writes expressions in which some names stand for numbers."""

    def __init__(self, numbers: Collection[str]) -> None:
        self.numbers = numbers

    def of(self, node: ast.expr) -> Text:
        """An expression, and how tightly it binds."""
        write: Callable[[ast.expr], Text] | None = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        return write(node) if write else (ast.unparse(node).replace("np.", ""), _atom)

    def at(self, node: ast.expr, binding: int) -> str:
        """An expression where something that binds so tightly stands around it."""
        text, own = self.of(node)
        if own == _compared < binding:
            return f"1[{text}]"
        return f"({text})" if own < binding else text

    def _is_number(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.Name):
            return node.id in self.numbers
        if isinstance(node, ast.Call):
            if _name(node.func) in _reductions:
                return not any(k.arg == "axis" for k in node.keywords)
            return bool(node.args) and all(map(self._is_number, node.args))
        if isinstance(node, ast.BinOp):
            return self._is_number(node.left) and self._is_number(node.right)
        return isinstance(node, ast.UnaryOp) and self._is_number(node.operand)

    # ---- the kinds of expressions

    def _of_name(self, node: ast.Name) -> Text:
        return node.id, _atom

    def _of_constant(self, node: ast.Constant) -> Text:
        if isinstance(node.value, bool | int | float | complex):
            return symbols.number(node.value), _atom
        return "..." if node.value is ... else str(node.value), _atom

    def _of_tuple(self, node: ast.Tuple) -> Text:
        return f"({self._list(node.elts)}{',' * (len(node.elts) == 1)})", _atom

    def _of_list(self, node: ast.List) -> Text:
        return f"[{self._list(node.elts)}]", _atom

    def _list(self, nodes: Iterable[ast.expr]) -> str:
        return ", ".join(self.of(node)[0] for node in nodes)

    def _of_attribute(self, node: ast.Attribute) -> Text:
        if node.attr in ("T", "mT"):
            return f"{self.at(node.value, _atom)}ᵀ", _raised
        if node.attr == "eps":  # of finfo(x.dtype)
            return "ε", _atom
        return ast.unparse(node).removeprefix("np."), _atom

    def _of_subscript(self, node: ast.Subscript) -> Text:
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return f"{self.at(node.value, _raised)}[{self._list(indices)}]", _atom

    def _of_slice(self, node: ast.Slice) -> Text:
        return ast.unparse(node).replace("-", "−"), _atom

    def _of_unaryop(self, node: ast.UnaryOp) -> Text:
        if isinstance(node.op, ast.USub):
            return f"−{self.at(node.operand, _times)}", _minus
        sign = "+" if isinstance(node.op, ast.UAdd) else "not "
        return f"{sign}{self.at(node.operand, _minus)}", _minus

    def _of_compare(self, node: ast.Compare) -> Text:
        parts = [self.at(node.left, _added)]
        for operator, right in zip(node.ops, node.comparators, strict=True):
            parts += [_comparisons.get(type(operator), "?"), self.at(right, _added)]
        return " ".join(parts), _compared

    def _of_binop(self, node: ast.BinOp) -> Text:
        left, right, operator = node.left, node.right, node.op
        if isinstance(operator, ast.Add | ast.Sub):
            sign = "+" if isinstance(operator, ast.Add) else "−"
            after = _added if sign == "+" else _summed
            return f"{self.at(left, _added)} {sign} {self.at(right, after)}", _added
        if isinstance(operator, ast.MatMult):
            return f"{self.at(left, _beside)} {self.at(right, _minus)}", _beside
        if isinstance(operator, ast.Mult):
            return self._product(left, right)
        if isinstance(operator, ast.Div):
            sign = "/" if self._is_number(left) and self._is_number(right) else " ÷ "
            return f"{self.at(left, _times)}{sign}{self.at(right, _minus)}", _times
        if isinstance(operator, ast.Pow):
            return self._power(left, right)
        if type(operator) in _joined:
            return f"{self.at(left, _times)} {_joined[type(operator)]} {self.at(right, _times)}", _times
        sign = "mod" if isinstance(operator, ast.Mod) else "div"
        return f"{self.at(left, _times)} {sign} {self.at(right, _beside)}", _times

    def _product(self, left: ast.expr, right: ast.expr) -> Text:
        if isinstance(right, ast.Constant) and not isinstance(left, ast.Constant):
            left, right = right, left
        if isinstance(left, ast.Constant) and isinstance(right, ast.Name | ast.Attribute):
            return f"{self.of(left)[0]} {self.at(right, _minus)}", _beside
        sign = "·" if self._is_number(left) or self._is_number(right) else "⊙"
        after = _summed if self._is_sum(right) else _times
        return f"{self.at(left, _times)} {sign} {self.at(right, after)}", _times

    @staticmethod
    def _is_sum(node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and _name(node.func) == "sum"

    def _power(self, base: ast.expr, exponent: ast.expr) -> Text:
        text = ast.unparse(exponent)
        if text.lstrip("-").isdigit():
            return f"{self.at(base, _atom)}{text.translate(_superscripts)}", _raised
        return f"{self.at(base, _atom)}^{self.at(exponent, _atom)}", _raised

    # ---- calls

    def _of_call(self, node: ast.Call) -> Text:
        name = _name(node.func)
        own = isinstance(node.func, ast.Attribute) and not _is_numpy(node.func)
        arguments = [*([node.func.value] if own and isinstance(node.func, ast.Attribute) else []), *node.args]
        if own and name == "random":
            return "random", _atom
        if own and name == "astype":
            text, binding = self.of(arguments[0])
            return (f"1[{text}]", _atom) if binding == _compared else (text, binding)
        axes = [ast.unparse(x) for x in (*arguments[1:], *(k.value for k in node.keywords))]
        if name == "swapaxes" and sorted(axes) == ["-1", "-2"]:
            return f"{self.at(arguments[0], _atom)}ᵀ", _raised
        write = _calls.get(name)
        if write is not None and len(arguments) == write[0]:
            return write[1](self, arguments, {k.arg: k.value for k in node.keywords})
        keywords = [
            f"{k.arg} {self.of(k.value)[0]}" for k in node.keywords if k.arg not in ("keepdims", "dtype")
        ]
        inside = ", ".join([*(self.of(x)[0] for x in arguments), *keywords])
        return f"{_short.get(name, name)}({inside})", _atom


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def _is_numpy(function: ast.Attribute) -> bool:
    root: ast.expr = function
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("np", "mg")


Keywords = dict[str | None, ast.expr]
_calls: dict[str, tuple[int, Callable[[_Writer, list[ast.expr], Keywords], Text]]] = {
    "square": (1, lambda w, a, _: (f"{w.at(a[0], _atom)}²", _raised)),
    "sqrt": (1, lambda w, a, _: (f"√{w.at(a[0], _atom)}", _raised)),
    "absolute": (1, lambda w, a, _: (f"|{w.of(a[0])[0]}|", _atom)),
    "negative": (1, lambda w, a, _: (f"−{w.at(a[0], _times)}", _minus)),
    "log1p": (1, lambda w, a, _: (f"log(1 + {w.at(a[0], _summed)})", _atom)),
    "expm1": (1, lambda w, a, _: (f"exp({w.of(a[0])[0]}) − 1", _added)),
    "softplus": (1, lambda w, a, _: (f"log(1 + exp({w.of(a[0])[0]}))", _atom)),
    "relu": (1, lambda w, a, _: (f"max({w.of(a[0])[0]}, 0)", _atom)),
    "logical_not": (1, lambda w, a, _: (f"not {w.at(a[0], _minus)}", _minus)),
    "array": (1, lambda w, a, _: w.of(a[0])),
    "sum": (1, lambda w, a, k: _reduced(w, "Σ", a[0], k)),
    "prod": (1, lambda w, a, k: _reduced(w, "Π", a[0], k)),
    "where": (3, lambda w, a, _: (
        f"{w.at(a[1], _compared)} where {w.of(a[0])[0]}, else {w.at(a[2], _compared)}", _choice)),
    "ones": (1, lambda w, a, _: (f"1 of shape {w.of(a[0])[0]}", _choice)),
    "broadcast_to": (2, lambda w, a, _: (f"{w.at(a[0], _compared)} of shape {w.of(a[1])[0]}", _choice)),
    "zeros": (1, lambda w, a, _: (f"0 of shape {w.of(a[0])[0]}", _choice)),
}  # fmt: skip


def _reduced(w: _Writer, sign: str, x: ast.expr, keywords: Keywords) -> Text:
    axis = keywords.get("axis")
    what = ""
    if axis is not None:
        text = ast.unparse(axis)
        what = f"{_axes.get(text) or f'axis {text}'.replace('-', '−')} of "
    return f"{sign} {what}{w.at(x, _times)}", _summed
