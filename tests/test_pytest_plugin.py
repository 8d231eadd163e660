"""The pytest plugin: what a failure looks like, the marker, the fixtures, and that it costs nothing."""

import re
import subprocess
import sys
from importlib.metadata import distribution, entry_points
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import assert_gradients, pytest_plugin

source = Path(pytest_plugin.__file__)

a_test_of_a_gradient = """
    from minigrad.check import assert_gradients

    def backward(A3, Y, W3, D2, m, keep_prob):
        dZ3 = (A3 - Y) / m
        return {"dZ3": dZ3, "dA2": dZ3 @ W3 * D2%s}

    def test_backward(minigrad_network):
        loss, values = minigrad_network
        assert_gradients(backward, loss)
"""

of_the_marker = """
    import numpy as np
    import pytest
    import minigrad as mg

    @mg.primitive
    def cubed(x):
        return x**3

    mg.derivative(cubed, x=lambda g, x: g * 2 * x * x)

    @pytest.mark.gradcheck
    def test_right(minigrad_rng):
        return np.sin, minigrad_rng.standard_normal(3)

    @pytest.mark.gradcheck(order=2, tolerance=1e-6)
    class TestTwice:
        @pytest.mark.parametrize("function", [np.sin, np.tanh])
        def test_right(self, function, minigrad_rng):
            return function, minigrad_rng.standard_normal(3)

    @pytest.mark.gradcheck
    def test_wrong(minigrad_rng):
        return cubed, minigrad_rng.standard_normal(3)

    @pytest.mark.gradcheck(2)
    def test_the_order_is_passed_on():
        return lambda x: mg.Tensor(2.0) * x, [1.0]

    @pytest.mark.gradcheck(tolerance=0.5)
    def test_the_tolerance_is_passed_on():
        return cubed, np.array([0.5, -1.5])

    @pytest.mark.gradcheck
    def test_nothing_is_returned():
        pass

    @pytest.mark.gradcheck
    def test_three_things_are_returned():
        return np.sin, 1.0, 2.0

    @pytest.mark.gradcheck(tol=1e-3)
    def test_an_unknown_setting():
        return np.sin, [1.0]

    @pytest.mark.gradcheck
    def test_it_raises():
        raise LookupError("of the test's own")

    @pytest.mark.gradcheck
    def test_the_function_raises():
        return lambda x: x @ 3, np.array([0.5, -1.5])

    @pytest.mark.gradcheck
    def test_it_is_skipped():
        pytest.skip("not today")
"""


strict = ("-p", "no:minigrad", "-p", "no:cacheprovider", "--strict-markers", "-W", "error")


@pytest.fixture
def run(pytester):
    """Run pytest with the plugin of this checkout, whether it is installed or not."""
    pytester.syspathinsert(source.parent.parent.parent)
    # A faulthandler that is switched on and off again would take the signals by which WebAssembly traps.
    alone = ("-p", "no:faulthandler")
    return lambda *options: pytester.runpytest_inprocess(*strict, *alone, *options, plugins=[pytest_plugin])


@pytest.fixture
def with_workers(pytester, monkeypatch):
    """The same in two workers of xdist: other processes, which have to find minigrad."""
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTHONPATH", str(source.parent.parent.parent))
    plugin = ("-p", "minigrad.check.pytest_plugin")
    return lambda *options: pytester.runpytest_subprocess(*strict, *plugin, "-n", "2", *options)


# ---- assert_gradients


def failures(output):
    """The section FAILURES, without the ruled lines."""
    return output.partition("= FAILURES =")[2].partition("= short test summary")[0]


def test_a_failure_is_the_diagnosis_at_the_tests_own_line(run, pytester):
    pytester.makepyfile(a_test_of_a_gradient % "")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       assert_gradients(backward, loss)",
            "E       AssertionError: 1 of 2 arrays right, 1 mistake",
            "E         dZ3  right",
            "E         dA2  wrong, mistake 1 (off by 20 % of its largest entry)",
            "E       1. Your dA2 is the right one without `/ keep_prob`: *",
            "E            right   dA2 = dZ3 @ W3 * D2 / keep_prob",
            "E            yours   dA2 = dZ3 @ W3 * D2",
            "test_*.py:9: AssertionError",
        ]
    )
    shown = failures(result.stdout.str())
    for noise in ("assertion.py", "grade.py", "array([", "__tracebackhide__", "During handling"):
        assert noise not in shown
    assert max(map(len, re.findall(r"^E .*", shown, re.MULTILINE))) <= 80


def test_a_right_one_passes(run, pytester):
    pytester.makepyfile(a_test_of_a_gradient % " / keep_prob")
    run().assert_outcomes(passed=1)


def test_the_same_under_xdist(with_workers, pytester):
    pytester.makepyfile(
        test_right=a_test_of_a_gradient % " / keep_prob", test_wrong=a_test_of_a_gradient % ""
    )
    result = with_workers()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E       1. Your dA2 is the right one without `/ keep_prob`: *"])


def test_outside_pytest_it_is_an_assertion_as_well():
    W = mg.Tensor([[0.5, -1.0]], requires_grad=True, name="W")
    X = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
    loss = np.mean(X @ W.T)
    right = X.mean(axis=0, keepdims=True)
    assert assert_gradients({"dW": right}, loss, W).ok
    assert assert_gradients(lambda: {"dW": right}, loss)
    with pytest.raises(AssertionError, match=r"^0 of 1 arrays right, 1 mistake\n") as caught:
        assert_gradients({"dW": 2 * right}, loss)
    assert str(caught.value) == mg.grade({"dW": 2 * right}, loss).text(72)
    with pytest.raises(AssertionError, match="dW  missing"):
        assert_gradients({}, loss, W)
    with pytest.raises(AssertionError):
        assert_gradients({}, loss)
    with pytest.raises(TypeError, match="dict of arrays"):
        assert_gradients(3, loss)
    Z = X @ mg.Tensor(np.eye(2), requires_grad=True, name="U")
    Z.name = "Z"
    cost = np.sum(np.square(Z))
    columns = {"dZ": 2 * Z.data.T}
    assert assert_gradients(columns, cost, transposed=True)
    with pytest.raises(AssertionError, match="the right one transposed"):
        assert_gradients(columns, cost)


def test_the_tests_on_the_page_give_what_the_page_shows(run, pytester):
    page = (source.parent.parent.parent / "docs" / "testing-with-pytest.md").read_text("utf-8")
    pytester.makepyfile(
        test_doc="\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    )
    result = run()
    result.assert_outcomes(passed=5, failed=1)
    shown = re.search(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[1].splitlines()
    result.stdout.re_match_lines([re.escape(line) + r"\s*$" for line in shown], consecutive=True)


# ---- the marker


def test_the_marker(run, pytester):
    pytester.makepyfile(of_the_marker)
    result = run("-rA")
    result.assert_outcomes(passed=5, failed=6, skipped=1)
    for name in ("test_right", "TestTwice", "test_the_order_is_passed_on", "test_the_tolerance_is_passed_on"):
        result.stdout.fnmatch_lines([f"PASSED *{name}*"])
    output = result.stdout.str()
    shown = failures(output)
    assert "test_wrong: gradcheck: the machine's gradient is not confirmed" in shown
    assert "the rule of cubed for x is wrong when checked alone" in shown
    wanted = "a test with the marker gradcheck returns (function, inputs), not"
    assert f"test_nothing_is_returned: {wanted} NoneType" in shown
    assert f"test_three_things_are_returned: {wanted} a tuple" in shown
    assert (
        "test_an_unknown_setting: the marker gradcheck takes order, tolerance, exact_tolerance, zero, not tol"
        in shown
    )
    assert "LookupError: of the test's own" in shown
    assert "ValueError: matmul: a Tensor of shape (2,) and 3: a matrix product needs" in shown
    for noise in ("pytest_plugin.py", "gradcheck.py", "During handling", "All traceback entries are hidden"):
        assert noise not in shown


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("order=0", "the marker gradcheck: order must be 1, 2 ..., not 0"),
        ("'x'", "the marker gradcheck: order must be 1, 2 ..., not 'x'"),
        ("tolerance=2", "the marker gradcheck: tolerance is a fraction of the gradient, in (0, 1), not 2"),
        (
            "tolerance='a'",
            "the marker gradcheck: tolerance is a fraction of the gradient, in (0, 1), not 'a'",
        ),
        (
            "exact_tolerance=0",
            "the marker gradcheck: exact_tolerance is a fraction of the gradient, in (0, 1), not 0",
        ),
        ("zero='W9'", "the marker gradcheck: zero= names 'W9'; the inputs are "),
        ("zero=1.5", "the marker gradcheck: zero= takes inputs by name or position, not 1.5"),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence(run, pytester, setting, said):
    pytester.makepyfile(
        f"""
        import numpy as np, pytest

        @pytest.mark.gradcheck({setting})
        def test_it():
            return np.sin, np.array([0.5, -1.5])
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    told = failures(result.stdout.str()).splitlines()
    told = [line for line in told if line and not line.startswith(("=", "_"))]
    assert len(told) == 1
    assert told[0].startswith(f"test_it: {said}")


def test_the_marker_under_xdist(with_workers, pytester):
    pytester.makepyfile(of_the_marker)
    with_workers().assert_outcomes(passed=5, failed=6, skipped=1)


def test_the_marker_is_listed(run):
    run("--markers").stdout.fnmatch_lines(["@pytest.mark.gradcheck(order=1, *, tolerance=1e-7, *"])


def test_a_wrong_rule_of_the_second_order_needs_order_2(run, pytester):
    pytester.makepyfile(
        """
        import numpy as np, pytest
        import minigrad as mg

        @mg.primitive
        def squared(x):
            return x**2

        mg.derivative(squared, x=lambda g, x: g * 2 * (x.detach() if isinstance(x, mg.Tensor) else x))

        @pytest.mark.gradcheck
        def test_first():
            return squared, np.array([0.5, -1.5])

        @pytest.mark.gradcheck(order=2)
        def test_second():
            return squared, np.array([0.5, -1.5])
        """
    )
    result = run("-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["PASSED *test_first"])


def test_a_method_of_a_testcase_is_refused(run, pytester):
    pytester.makepyfile(
        """
        import unittest
        import numpy as np, pytest

        class TestIt(unittest.TestCase):
            @pytest.mark.gradcheck
            def test_it(self):
                return np.sin, [1.0]
        """
    )
    result = run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the marker gradcheck is for functions and methods of plain classes*"])


@pytest.mark.parametrize("returning", ["return", "yield"])
def test_an_async_function_is_refused_and_leaves_the_next_test_alone(run, pytester, returning):
    pytester.makepyfile(
        f"""
        import gc
        import numpy as np, pytest

        @pytest.mark.gradcheck
        async def test_it():
            {returning} np.sin, [1.0]

        def test_next():
            gc.collect()
        """
    )
    result = run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*test_it: the marker gradcheck is for plain functions, not for those of*"])


# ---- the fixtures

of_the_fixtures = """
    import numpy as np
    import pytest

    names = []

    def numbers(rng):
        return rng.integers(0, 2**60)

    @pytest.mark.parametrize("i", [0, 1])
    def test_one(i, minigrad_rng):
        print("drew", "one", i, numbers(minigrad_rng))

    def test_other(minigrad_rng):
        print("drew", "other", numbers(minigrad_rng))

    def test_a_network(minigrad_network):
        loss, values = minigrad_network
        assert (values["m"], values["lambd"], values["keep_prob"]) == (7, 0.9, 0.8)
        assert np.allclose(values["Z1"], values["X"] @ values["W1"].T + values["b1"])
        assert [p.name for p in minigrad_network.parameters] == ["W1", "b1", "W2", "b2", "W3", "b3"]
        assert loss.requires_grad
        values["Z1"][:] = 0

    def test_a_new_one_for_each_test(minigrad_network):
        assert np.any(minigrad_network.values["Z1"])

    @pytest.mark.parametrize("minigrad_network", ["softmax", "tied"], indirect=True)
    def test_another_network(minigrad_network, request):
        assert ("Y" in minigrad_network.values) == ("softmax" in request.node.name)
"""


def test_fixtures(run, pytester):
    pytester.makepyfile(of_the_fixtures)
    first, again = (run("-s") for _ in range(2))
    first.assert_outcomes(passed=7)
    drawn = re.findall(r"drew .*\d", first.stdout.str())
    assert len(drawn) == len(set(drawn)) == 3
    assert len({line.split()[-1] for line in drawn}) == 3
    assert drawn == re.findall(r"drew .*\d", again.stdout.str())
    alone = run("-s", "-k", "test_other")
    assert re.findall(r"drew .*\d", alone.stdout.str()) == drawn[2:]


def test_tests_of_one_name_in_files_of_one_name_draw_other_numbers(run, pytester):
    text = "def test_it(minigrad_rng):\n    print('drew', minigrad_rng.integers(0, 2**60))\n"
    for folder in ("one", "two"):
        pytester.mkdir(folder).joinpath("test_same.py").write_text(text)
        pytester.path.joinpath(folder, "__init__.py").touch()
    result = run("-s")
    result.assert_outcomes(passed=2)
    drawn = re.findall(r"drew \d+", result.stdout.str())
    assert len(set(drawn)) == len(drawn) == 2


def test_fixtures_under_xdist_draw_the_same(with_workers, run, pytester):
    pytester.makepyfile(of_the_fixtures)
    alone = re.findall(r"drew .*\d", run("-rP").stdout.str())
    result = with_workers("-rP")
    result.assert_outcomes(passed=7)
    assert sorted(re.findall(r"drew .*\d", result.stdout.str())) == sorted(alone)


def test_an_unknown_network_is_told_those_that_there_are(run, pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("minigrad_network", ["l3"], indirect=True)
        def test_it(minigrad_network):
            pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*minigrad_network: there is no exercise 'l3'; there are line, *"])


# ---- installed


def installed():
    """The file of the plugin as it is installed; the tests that need it are skipped where minigrad is not."""
    names = [name for name in entry_points(group="pytest11") if name.name == "minigrad"]
    if not names:
        pytest.skip("minigrad is not installed with its entry points: pip install -e .")
    (name,) = names
    assert name.value == "pytest_minigrad"
    return Path(distribution("minigrad").locate_file("pytest_minigrad.py"))


def test_the_installed_plugin_is_this_one():
    assert installed().read_text("utf-8") == source.read_text("utf-8"), (
        "the plugin was changed after it was installed: pip install -e . again"
    )


def test_it_is_found_by_itself_and_imports_nothing_where_it_is_not_used(tmp_path):
    installed()
    (tmp_path / "test_empty.py").write_text("def test_nothing():\n    pass\n")
    (tmp_path / "conftest.py").write_text(
        "import sys\n\ndef pytest_unconfigure(config):\n"
        "    print('HAS', config.pluginmanager.has_plugin('minigrad'))\n"
        "    print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
        "    print('OWN', [name for name in sys.modules if name.startswith('minigrad')])\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", tmp_path]
    options = ["-p", "no:hypothesispytest"]  # of other plugins, this one imports NumPy if it is there
    for more in (["--collect-only"], []):
        done = subprocess.run(
            [*command, *options, *more], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert "HAS True" in done.stdout
        loaded = set(re.search(r"^LOADED (.*)$", done.stdout, re.MULTILINE)[1].split())
        assert "pytest_minigrad" in loaded
        assert not loaded & {"minigrad", "numpy", "graphviz"}
        assert "OWN []" in done.stdout


def test_installed_it_works(tmp_path):
    installed()
    (tmp_path / "test_it.py").write_text(
        "import numpy as np, pytest\n\n@pytest.mark.gradcheck(order=2)\ndef test_it(minigrad_rng):\n"
        "    return np.sin, minigrad_rng.standard_normal(3)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", "-W", "error"]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
