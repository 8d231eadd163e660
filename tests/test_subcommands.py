"""minigrad derive, draw and steps: what they give, where it goes, and what bad input gets."""

import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from minigrad.__main__ import main
from minigrad.experiments import files, own_loss, subcommands
from minigrad.experiments.mathml import mathml
from minigrad.experiments.output import Output
from minigrad.show import NoRenderer, draw
from minigrad.show.pictures import rendering
from minigrad.tensor import Tensor

root = Path(__file__).parent.parent

net = """
import sys
import numpy as np
import minigrad as mg

X, Y = np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([[1.0], [0.0]])
model = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=0), mg.nn.Tanh(), mg.nn.Linear(3, 1, rng=1))


def loss():
    print("a word of its own")
    return mg.nn.mse_loss(model(X), Y)


class Task:
    @staticmethod
    def loss():
        return loss()


def nothing():
    loss()


def several():
    return model, loss()


def vector():
    return model(X)


def plain():
    return mg.Tensor(1.0)


def broken():
    return X @ np.zeros((5, 5))


def misused():
    return model(np.zeros((2, 7)))


def wordless():
    raise LookupError


def wants(x, y=1):
    return x


def leaves():
    sys.exit("enough")


def number():
    return 1.0


def a_model():
    return model


J = mg.nn.mse_loss(model(X), Y)
limit = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with net.py in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(net, encoding="utf-8")
    known, path = set(sys.modules), list(sys.path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files of one name, written within one second
    yield tmp_path
    assert sys.path == path
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in sys.modules[name].__file__:
            del sys.modules[name]


def run(capsys, *arguments):
    """(exit status, stdout, stderr)."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def given(capsys, *arguments):
    """What a command prints that ends well and says nothing else."""
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    return out


def refused(capsys, *arguments):
    """The one sentence of a command that ends with status 2."""
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    lines = [line for line in err.splitlines() if line != "a word of its own"]
    assert len(lines) == 1
    assert lines[0].startswith("minigrad: ")
    return lines[0].removeprefix("minigrad: ")


def execute(text, loss):
    """The function in a NumPy text, called with the leaves of a loss by their names."""
    namespace = {}
    exec(text, namespace)
    leaves = {leaf.name: leaf.tensor.data for leaf in subcommands.Program(loss).leaves}
    function = namespace["loss_and_gradients"]
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return function(**{name: leaves[name] for name in names}, rng=np.random.default_rng([7, 1]))


# ---- derive


def test_derive_gives_numpy_that_runs(capsys):
    text = given(capsys, "derive")
    loss = subcommands._standard_loss()
    J, gradients = execute(text, loss)
    np.testing.assert_allclose(J, loss.item())
    loss.backward()
    for leaf in subcommands.Program(loss).leaves:
        if leaf.tensor.requires_grad:
            np.testing.assert_allclose(
                gradients[f"d{leaf.name}"], leaf.tensor.grad.data, rtol=1e-9, atol=1e-15
            )
    assert "keep_prob=0.86" in text
    assert "lambd=0.7" in text
    assert "(5, 20)" in text


def test_the_network_of_the_notes_can_be_changed(capsys):
    text = given(capsys, "derive", "--hidden", "4", "--lambd", 0, "--keep-prob", 1)
    assert "(5, 4)" in text
    for word in ("lambd", "keep_prob", "rng", "W3"):
        assert word not in text
    assert "lambd=2" in given(capsys, "derive", "--lambd", 2)
    assert given(capsys, "draw", "--seed", 1, "--values") != given(capsys, "draw", "--seed", 2, "--values")


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("numpy", "def loss_and_gradients("),
        ("latex", r"\begin{aligned}"),
        ("explain", "1. dZ3 = (A3 - Y) / m\n"),
        ("terms", "J = cross-entropy + L2\n"),
    ],
)
def test_every_format(capsys, format, said):
    text = given(capsys, "derive", "--format", format)
    assert said in text
    assert text == given(capsys, "derive", "--format", format, "--seed", 7)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_suffix_says_the_format(capsys, folder):
    for name, start in (("a.py", "import numpy"), ("a.tex", r"\begin"), ("a.txt", "import numpy")):
        assert run(capsys, "derive", "--out", name) == (0, "", f"minigrad: wrote {name}\n")
        assert Path(name).read_text(encoding="utf-8").startswith(start)
    run(capsys, "derive", "--out", "a.py", "--format", "latex")
    assert Path("a.py").read_text(encoding="utf-8") == given(capsys, "derive", "--format", "latex")
    assert not list(folder.glob(".*"))


def test_wrt(capsys):
    text = given(capsys, "derive", "--wrt", "W1, Z2")
    assert 'return J, {"dW1": dW1, "dZ2": dZ2}' in text
    assert "dW1 = " in given(capsys, "derive", "--wrt", "W1", "--format", "terms")
    assert refused(capsys, "derive", "--wrt", "W1,W9") == (
        '--wrt: there is no "W9" that has a gradient; there are W1, b1, W2, b2, W3, b3'
    )
    assert '"X"' in refused(capsys, "derive", "--wrt", "X")


# ---- draw


def test_draw(capsys):
    dot = given(capsys, "draw")
    assert dot.startswith("digraph ")
    assert dot.rstrip("\n") == draw(subcommands._standard_loss()).dot.rstrip("\n")
    assert "keep_prob" in dot
    assert "lambd" in dot


def test_draw_in_evaluation_mode(capsys):
    dot = given(capsys, "draw", "--eval")
    assert "keep_prob" not in dot
    assert "lambd" not in dot
    assert refused(capsys, "draw", "--eval", "--lambd", 1) == (
        "--lambd: in evaluation mode there is no penalty; leave --lambd or --eval out"
    )


def test_draw_values_and_few_nodes(capsys):
    assert "keep_prob = 0.5" in given(capsys, "draw", "--values", "--keep-prob", 0.5)
    assert len(given(capsys, "draw", "--max-nodes", 5)) < len(given(capsys, "draw"))


def test_draw_backward_reaches_draw(capsys, monkeypatch):
    asked = {}

    def drawn(loss, **options):
        asked.update(options)
        return draw(loss)

    monkeypatch.setattr(subcommands, "draw", drawn)
    given(capsys, "draw", "--backward", "--max-nodes", 9)
    assert asked == {"show": "shapes", "backward": True, "max_nodes": 9}


def test_draw_writes_files(capsys, folder):
    assert run(capsys, "draw", "--out", "graph.dot") == (0, "", "minigrad: wrote graph.dot\n")
    assert Path("graph.dot").read_text(encoding="utf-8").startswith("digraph ")
    said = refused(capsys, "draw", "--out", "graph.txt")
    assert said.startswith('--out: the name "graph.txt" does not end in a known suffix: .svg, ')
    said = refused(capsys, "draw", "--out", "graph.svg", "--format", "dot")
    assert said == '--format is for standard output; the name "graph.svg" says it for the file'


def test_draw_svg(capsys, folder):
    try:
        svg = draw(Tensor(1.0, name="x") * 2).svg()
    except NoRenderer:
        pytest.skip("nothing here draws SVG")
    assert "<svg" in svg
    shown = given(capsys, "draw", "--format", "svg")
    ElementTree.fromstring(shown)
    assert run(capsys, "draw", "--out", "graph.svg")[0] == 0
    assert Path("graph.svg").read_text(encoding="utf-8").rstrip("\n") == shown.rstrip("\n")


def test_draw_without_a_renderer(capsys, folder, monkeypatch):
    def nothing_draws(*arguments):
        raise NoRenderer("is not installed")

    for name in ("_system", "_webassembly"):
        monkeypatch.setattr(rendering, name, nothing_draws)
    said = refused(capsys, "draw", "--out", "graph.svg")
    assert said.startswith("no svg picture: Graphviz's dot is not installed")
    assert said.endswith('the DOT text is saved in "graph.svg.dot"')
    assert "is not installed" in refused(capsys, "draw", "--format", "svg")


# ---- steps


def test_steps(capsys, folder):
    page = given(capsys, "steps", "--hidden", "3")
    assert page.startswith("<!DOCTYPE html>")
    assert run(capsys, "steps", "--hidden", "3", "--out", "steps.html") == (
        0,
        "",
        "minigrad: wrote steps.html\n",
    )
    assert Path("steps.html").read_text(encoding="utf-8") == page
    assert "steps.pdf" in refused(capsys, "steps", "--out", "steps.pdf")


# ---- somebody's own loss


@pytest.mark.parametrize("address", ["net:loss", "net.py:loss", "./net.py:loss", "net:Task.loss", "net:J"])
@pytest.mark.parametrize("command", ["derive", "draw", "steps"])
def test_an_own_loss(capsys, folder, address, command):
    status, out, err = run(capsys, command, address)
    assert status == 0
    assert set(err.splitlines()) <= {"a word of its own"}
    assert "a word" not in out
    assert "tanh" in out


def test_options_may_stand_before_the_address(capsys, folder):
    assert run(capsys, "derive", "--wrt", "W1", "net:J") == run(capsys, "derive", "net:J", "--wrt", "W1")


def test_a_file_in_another_folder_with_a_neighbour(capsys, folder):
    (folder / "models").mkdir()
    (folder / "net.py").rename(folder / "models" / "random.py")  # there is a module of that name
    (folder / "models" / "user.py").write_text("from neighbour import J\n")
    (folder / "models" / "neighbour.py").write_text(net)
    import random

    assert "tanh" in given(capsys, "derive", "models/random.py:J")
    assert sys.modules["random"] is random
    assert "tanh" in run(capsys, "derive", "models/user.py:J")[1]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("net:nothing", "net:nothing returned None and not a Tensor: return the loss (is there a return?)"),
        ("net:several", "net:several returned a tuple and not a Tensor: return the loss alone"),
        ("net:number", "net:number returned a float and not a Tensor: return the loss"),
        ("net:limit", "net:limit is an int; wanted is a function that returns the loss"),
        ("net:Task", "net:Task is the class Task; wanted is a function that returns the loss"),
        ("net:wants", "net:wants wants arguments, (x, y=1); it is called without any, and returns the loss"),
        ("net:leaves", "net:leaves: it called sys.exit('enough') (net.py:{line})"),
        ("net:wordless", "net:wordless: LookupError (net.py:{line})"),
        ("net:los", 'net has no "los"; did you mean "loss"?'),
        ("net:Task.lost", 'net has no "Task.lost"; did you mean "loss"?'),
        ("net:xyzzy", 'net has no "xyzzy"'),
        ("net.py:los", 'net.py has no "los"; did you mean "loss"?'),
        ("nett:loss", 'there is no module "nett": no nett.py in this folder, nor installed'),
        ("nett.py:loss", "nett.py: there is no such file"),
        ("net.sub:loss", 'there is no module "net.sub": no net/sub.py in this folder, nor installed'),
        ("net", '"net" is not module:function, such as net:loss'),
        ("net.py", '"net.py" is not module:function, such as net.py:loss'),
        ("net.loss", '"net.loss" is not module:function, such as net:loss'),
        ("net:", '"net:" is not module:function, such as net:loss'),
        (":loss", '":loss" is not module:function, such as net:loss'),
        ("", '"" is not module:function, such as net:loss'),
        ("a-b:loss", '"a-b" is not the name of a module'),
    ],
)  # fmt: skip
def test_addresses_that_lead_to_no_loss(capsys, folder, address, said):
    line = 1 + net[: net.find(f"def {address.partition(':')[2]}(")].count("\n") + 1
    assert refused(capsys, "derive", address) == said.replace("{line}", str(line))


def test_losses_that_cannot_be_read(capsys, folder):
    for command in subcommands.names:
        if command != "draw":
            assert "scalar" in refused(capsys, command, "net:vector")
            assert "gradient" in refused(capsys, command, "net:plain")
    assert run(capsys, "draw", "net:vector")[0] == 0


def test_what_the_own_function_raises_is_said_with_its_line(capsys, folder):
    said = refused(capsys, "derive", "net:broken")
    assert said.startswith("net:broken: ValueError: matmul: ")
    assert said.endswith(f" (net.py:{net[: net.index('return X @')].count(chr(10)) + 1})")
    said = refused(capsys, "derive", "net:misused")  # raised inside minigrad, called from here
    assert said.startswith('net:misused: ValueError: Linear: x is "X" (2, 7);')
    assert said.endswith(f" (net.py:{net[: net.index('return model(np')].count(chr(10)) + 1})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import nowhere_to_be_found\n",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found' (odd.py:1)",
        ),
        ("\n1 / 0\n", "ZeroDivisionError: division by zero (odd.py:2)"),
        ("def loss(:\n", "SyntaxError: invalid syntax (odd.py:1)"),
        ("raise SystemExit\n", "it called sys.exit(None) (odd.py:1)"),
    ],
)
def test_what_importing_raises(capsys, folder, text, said):
    (folder / "odd.py").write_text(text)
    assert refused(capsys, "derive", "odd:loss") == f"importing odd: {said}"
    assert refused(capsys, "derive", "odd.py:loss") == f"importing odd.py: {said}"


def test_options_of_the_notes_do_not_fit_an_own_loss(capsys, folder):
    for option in (["--hidden", "3"], ["--lambd", "1"], ["--keep-prob", "1"], ["--seed", "0"], ["--eval"]):
        said = refused(capsys, "draw", "net:loss", *option)
        assert said == f"{option[0]} is for the network that --hidden describes; net:loss has its own"


def test_interrupted_in_the_own_function(capsys, folder):
    (folder / "slow.py").write_text("def loss():\n    raise KeyboardInterrupt\n")
    assert run(capsys, "derive", "slow:loss", "--out", "a.py")[0] == 130
    assert not Path("a.py").exists()


def test_lines_outside_minigrad_are_somebodys_own():
    assert own_loss._is_own(str(root / "examples" / "net.py"))
    for file in (own_loss.__file__, "<frozen importlib>", np.__file__, io.__file__):
        assert not own_loss._is_own(file)


# ---- options and places that are refused


@pytest.mark.parametrize("command", subcommands.names)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lambd", "-1"], 'argument --lambd: "-1" is not a number of at least 0'),
        (["--keep-prob", "0"], '"0" is not a number greater than 0 and at most 1'),
        (["--hidden", "x"], '"x" is not a list of sizes, each 1 to 100000, such as 20,3'),
        (["--seed", "1.5"], '"1.5" is not a whole number of at least 0'),
        (["a:b", "c:d"], "unrecognized arguments: c:d"),
        (["--hid", "3"], "unrecognized arguments: --hid; see minigrad "),
        (["--out"], "argument --out: expected one argument"),
        (["--out", "nowhere/a.html"], "--out: nowhere/a.html: there is no folder nowhere"),
        (["--out", "."], "--out: .: it is a folder, and a file is wanted"),
    ],
)
def test_bad_options(capsys, folder, command, arguments, said):
    assert said in refused(capsys, command, *arguments)


def test_a_format_that_there_is_not(capsys):
    assert "invalid choice: 'word'" in refused(capsys, "derive", "--format", "word")
    assert "invalid choice: 'png'" in refused(capsys, "draw", "--format", "png")
    assert '"0" is not a whole number of at least 1' in refused(capsys, "draw", "--max-nodes", "0")


def test_too_little_memory(capsys, monkeypatch):
    def too_large(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(subcommands, "network", too_large)
    assert refused(capsys, "derive").startswith("--hidden: there is not enough memory")


@pytest.mark.parametrize(("command", "name"), [("derive", "a.py"), ("draw", "a.dot"), ("steps", "a.html")])
def test_a_full_disk_leaves_the_file_as_it_was(capsys, folder, monkeypatch, command, name):
    def full(a, b):
        raise OSError(28, "No space left on device", str(a))

    (folder / name).write_text("mine")
    for module in (files, rendering):
        monkeypatch.setattr(module.os, "replace", full)
    assert refused(capsys, command, "--out", name) == f"--out: {name}: No space left on device"
    assert (folder / name).read_text() == "mine"
    assert {path.name for path in folder.iterdir()} == {name, "net.py"}


def test_what_children_and_c_write_does_not_mix_with_the_result(tmp_path):
    own = "import os, subprocess, sys, minigrad as mg\ndef loss():\n"
    own += "    os.write(1, b'raw\\n'); sys.__stdout__.write('dunder\\n')\n"
    own += "    subprocess.run([sys.executable, '-c', 'print(\"child\")'])\n"
    own += "    return mg.Tensor(2.0, requires_grad=True, name='x') ** 2\n"
    (tmp_path / "own.py").write_text(own)
    command = [sys.executable, "-m", "minigrad", "derive", "own:loss"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("import numpy as np\n")
    assert "dx = 2 * x" in done.stdout
    assert not {"raw", "dunder", "child"} & set(done.stdout.split())
    assert set(done.stderr.split()) == {"raw", "dunder", "child"}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another matter there")
@pytest.mark.parametrize("command", subcommands.names)
def test_a_reader_that_has_seen_enough(command):
    read, write = os.pipe()
    os.close(read)
    arguments = [sys.executable, "-m", "minigrad", command]
    done = subprocess.run(arguments, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [["derive"], ["draw"], ["steps"], ["derive", "--help"]])
def test_output_on_a_full_disk(arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "minigrad", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "minigrad: stdout: No space left on device\n")


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed(folder, monkeypatch, closed):
    monkeypatch.setattr(sys, closed, None)
    assert main(["derive", "net:loss"]) == 0
    assert main(["derive", "net:los"]) == 2
    assert main(["derive", "net:J", "--out", "a.py"]) == 0


def test_a_terminal_without_greek_letters():
    arguments = [sys.executable, "-m", "minigrad", "derive", "--format", "explain"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(arguments, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?J/?J" in done.stdout


def test_the_same_bytes_in_another_process(capsys):
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONIOENCODING": "utf-8"}
    for arguments in (["derive"], ["derive", "--format", "latex"], ["draw", "--values"], ["steps"]):
        command = [sys.executable, "-W", "error", "-m", "minigrad", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == given(capsys, *arguments)


# ---- help


@pytest.mark.parametrize("command", subcommands.names)
def test_help(capsys, command):
    text = given(capsys, command, "--help")
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"usage: minigrad {command} [module:function | --hidden N,N] [options]")
    for option in ("hidden", "lambd", "keep-prob", "seed", "out"):
        assert f"--{option} " in text
    examples = text.partition("examples:\n")[2].splitlines()
    assert len(examples) >= 3
    for example in examples:
        typed = shlex.split(re.split(r"  +|\|", example.strip())[0])
        assert typed[:2] == ["minigrad", command]
        subcommands.parser(command, Output()).parse_intermixed_args(typed[2:])


def test_the_main_help_names_the_commands(capsys):
    text = given(capsys, "--help")
    for command in subcommands.names:
        assert f"\n  minigrad {command} " in text


# ---- the page


def test_the_page_shows_what_the_commands_give(folder):
    """Every command on it runs, in order; what is shown below one is what it gives."""
    page = (root / "docs" / "command-line.md").read_text(encoding="utf-8")
    code = re.search(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    (folder / "net.py").write_text(code[1], encoding="utf-8")
    blocks = re.findall(
        r"^```bash\n(.*?)^```$\n\n((?:(?: {4}[^\n]*)?\n)*)", page, flags=re.DOTALL | re.MULTILINE
    )
    assert len(blocks) > 3
    checker = doctest.OutputChecker()
    for lines, below in blocks:
        for line in lines.splitlines():
            said = io.StringIO()
            typed = shlex.split(line.partition("|")[0])
            assert typed[0] == "minigrad"
            with redirect_stdout(said), pytest.MonkeyPatch.context() as patched:
                patched.setattr(sys, "stderr", said)
                status = main(typed[1:])
            assert status == (2 if below.lstrip().startswith("minigrad: ") else 0), said.getvalue()
        if below.strip():
            shown = re.sub(r"^ {4}", "", below.rstrip("\n"), flags=re.MULTILINE) + "\n"
            assert checker.check_output(shown, said.getvalue(), doctest.ELLIPSIS), said.getvalue()


def test_the_options_on_the_page_are_the_options_there_are():
    page = (root / "docs" / "command-line.md").read_text(encoding="utf-8").partition("## Options")[2]
    rows = re.findall(r"^\| (`--.*?) \| (\w+) \|", page, flags=re.MULTILINE)
    for command in subcommands.names:
        listed = {
            name for cell, of in rows if of in (command, "all") for name in re.findall(r"--[\w-]+", cell)
        }
        actions = subcommands.parser(command, Output())._actions
        assert listed == {name for a in actions for name in a.option_strings} - {"-h", "--help"}


# ---- equations that a browser typesets


def test_every_equation_of_the_notes_is_written_as_mathml(capsys):
    for arguments in ([], ["--hidden", "3", "--lambd", "0"], ["--keep-prob", "1"]):
        latex = given(capsys, "derive", "--format", "latex", *arguments)
        tree = ElementTree.fromstring(mathml(latex, spoken="J & its gradients").replace("&#8289;", ""))
        rows = tree.findall("./mtable/mtr")
        assert len(rows) == sum(not line.startswith("\\") for line in latex.splitlines())
        text = "".join(tree.itertext())
        assert "\\" not in text
        assert "λ" in text or "--lambd" in arguments


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"x^{2}", "<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup>"),
        (r"\sum_{i=1}^{m} a", "<munderover><mo>∑</mo>"),
        (r"A^{[1]}_{\mathrm{a\_b}}", '<mrow><mi mathvariant="normal">a_b</mi></mrow>'),
        (r"\left(\frac{a}{b}\right)_{i}", '<msub><mrow><mo stretchy="true">(</mo><mfrac>'),
        (r"\mathbf{1}[Z > 0]", '<mi>\U0001d7cf</mi><mo stretchy="false">[</mo><mi>Z</mi><mo>&gt;</mo>'),
        (r"\sqrt{x}", "<msqrt><mrow><mi>x</mi></mrow></msqrt>"),
        (r"\lVert W \rVert_F^2", '<msubsup><mo stretchy="false">‖</mo><mi>F</mi><mn>2</mn></msubsup>'),
        (r"\operatorname{log\,softmax}(Z)", '<mi mathvariant="normal">log\u2009softmax</mi>'),
        (r"\Bigl( x \Bigr)", '<mo stretchy="true" minsize="1.8em" maxsize="1.8em">(</mo>'),
        (r"\scriptstyle(5 \times 3)", '<mstyle scriptlevel="1" displaystyle="false">'),
        (r"a \mathrel{+}= b", "<mrow><mo>+</mo></mrow><mo>=</mo>"),
        (r"x_{j} -1.5", "<mo>−</mo><mn>1.5</mn>"),
    ],
)
def test_mathml(latex, said):
    assert said in mathml(latex)
    ElementTree.fromstring(mathml(latex))


@pytest.mark.parametrize(
    "latex", [r"\unknown", r"{a", r"\left( a", r"\left a \right)", r"\mathrm a", r"x^", r"\mathrm{a"]
)
def test_what_mathml_does_not_know(latex):
    with pytest.raises(ValueError, match="mathml: "):
        mathml(latex)


@pytest.mark.parametrize(
    ("layers", "line"),
    [
        ("mg.nn.Linear(2, 1, rng=0)", "dZ = (A - Y) / m"),
        ("mg.nn.Linear(2, 1, rng=0), mg.nn.Sigmoid()", "dZ = dA * A * (1 - A)"),
        ("mg.nn.Linear(2, 3, rng=0)", "dW = dZ.T @ X"),
        ("mg.nn.Linear(2, 3, rng=0), mg.nn.Softmax()", "dW = dZ.T @ X"),
        ("mg.nn.Linear(2, 3, rng=0), mg.nn.LogSoftmax()", "dW = dZ.T @ X"),
    ],
)
def test_a_model_gets_a_cost(capsys, folder, layers, line):
    (folder / "own.py").write_text(
        f"import minigrad as mg\nmodel = mg.nn.Sequential({layers})\ndef made():\n    return model\n"
    )
    for name in ("own:model", "own:made"):
        status, out, _ = run(capsys, "derive", name)
        assert not status
        assert line in out


def test_a_model_whose_inputs_are_not_known(capsys, folder):
    (folder / "own.py").write_text("import minigrad as mg\nmodel = mg.nn.Sequential(mg.nn.ReLU())\n")
    status, _, said = run(capsys, "derive", "own:model")
    assert status
    assert "a model without a Linear layer" in said
