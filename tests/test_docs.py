"""The pages say what is true: code runs, links lead somewhere, pictures are what their command makes."""

import argparse
import doctest
import json
import re
import runpy
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import page as page_of_the_benchmark
import pytest

import minigrad as mg
from minigrad.experiments import Results, command
from minigrad.show.pictures.rendering import NoRenderer
from minigrad.table import table

root = Path(__file__).parent.parent
pages = sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("examples/*.md")])
flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(autouse=True)
def _table_as_it_was():
    """Pages enter rows of their own; they are taken out again."""
    before = dict(table)
    yield
    table.clear()
    table.update(before)


def _name(page: Path) -> str:
    return str(page.relative_to(root))


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """(line number, text) of a page's fenced code blocks in a language."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, block.start(1)), block[1]) for block in found]


@pytest.mark.parametrize("page", pages, ids=_name)
def test_code_runs_and_gives_what_the_page_shows(page, tmp_path, monkeypatch):
    """The blocks run in order, in one namespace: `>>>` lines are compared, a plain block only runs."""
    code = blocks(page, "python")
    if not code:
        pytest.skip("no code on this page")
    if "sklearn" in page.read_text() or "breast_cancer" in page.read_text():
        pytest.importorskip("sklearn")
    if "from scipy" in page.read_text():
        pytest.importorskip("scipy")
    if "from dask" in page.read_text():
        pytest.importorskip("dask.array")
    monkeypatch.chdir(tmp_path)
    namespace: dict = {"__name__": "__main__"}
    problems: list[str] = []
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    for line, block in code:
        if ">>>" in block:
            name = f"{_name(page)}, line {line}"
            test = doctest.DocTestParser().get_doctest(block, namespace, name, str(page), line)
            runner.run(test, out=problems.append, clear_globs=False)
            namespace = test.globs
        else:
            exec(compile("\n" * line + block, str(page), "exec"), namespace)
    assert not problems, "".join(problems)


@pytest.mark.parametrize("page", pages, ids=_name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not target.startswith(("http:", "https:", "mailto:")):
            file, _, anchor = target.partition("#")
            there = page.parent / file if file else page
            assert there.exists(), f"{_name(page)}: {target}"
            assert not anchor or there.suffix != ".md" or anchor in anchors(there), f"{_name(page)}: {target}"


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page: small letters and hyphens."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_link_to_a_heading_that_is_not_there_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "root", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# λ, in the cost\n\n[there](#λ-in-the-cost)\n", encoding="utf-8")
    test_links_lead_somewhere(page)
    page.write_text("# λ, in the cost\n\n[nowhere](page.md#in-the-cost)\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="in-the-cost"):
        test_links_lead_somewhere(page)


# ---- pictures

images = root / "docs" / "images"
scripts = sorted(root.glob("examples/*.py"))


screenshots = {"steps.png"}
"""Pictures of a browser's window, which are not compared; test_steps.py has the tests of the page itself."""
of_the_command = "overfitting_side_of_the_field.svg"
of_the_benchmark = "performance.png"
of_the_sweep = {"sweep_heat_map.svg": "heat_map", "sweep_curve.svg": "curve"}


def maker(picture: Path) -> str:
    """What makes a picture, as pages write it after "python": mostly the example that it is named after."""
    if picture.name == of_the_command or picture.name in of_the_sweep:
        return "-m minigrad"
    if picture.name == of_the_benchmark:
        return "tests/benchmarks/run.py"
    return next((f"examples/{s.name}" for s in scripts if picture.name.startswith(s.stem)), "")


def test_every_picture_is_used_and_every_page_with_one_names_the_command_that_makes_it():
    used = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)\)", text):
            picture = (page.parent / target).resolve()
            used.add(picture)
            commands = re.findall(r"python (examples/\w+\.py|tests/benchmarks/run\.py|-m minigrad)", text)
            named = commands if picture.name in screenshots else maker(picture) in commands
            assert named, f"{_name(page)} shows {target} without the command that makes it"
    assert used == {path.resolve() for path in images.iterdir()}


def graph_parts(svg: str) -> list[tuple]:
    """(kind, name, texts, tooltips, colours) of all that is in a drawn graph, wherever Graphviz puts it."""
    parts = []
    for group in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if "class" not in group.attrib:
            continue
        inside = [x for x in group.iter() if group.get("class") != "graph"] or list(group)
        texts = {kind: [x.text for x in inside if x.tag.endswith("}" + kind)] for kind in ("title", "text")}
        tooltips = {value for x in inside for key, value in x.attrib.items() if key.endswith("}title")}
        colours = {
            x.get(key, "none").lower() for x in inside for key in ("fill", "stroke", "stroke-dasharray")
        }
        parts.append((group.get("class"), *texts["title"], texts["text"], sorted(tooltips), sorted(colours)))
    return sorted(parts, key=str)


def figure_texts(svg: str) -> list[str]:
    """What is written in a figure of matplotlib's, which draws letters as paths and notes the text."""
    return sorted(re.findall(r"<!-- (.*?) -->", svg))


def figure_paths(svg: str) -> tuple[list, list[np.ndarray]]:
    """The points of its frames and letters, sorted, and of its curves and areas, which have more corners."""
    paths = (re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path) for path in re.findall(r' d="([^"]*)"', svg))
    arrays = [np.array(points, dtype=float) for points in paths]
    return sorted(a.tolist() for a in arrays if len(a) <= 20), [a for a in arrays if len(a) > 20]


def assert_same_graph(made: Path, shown: Path) -> None:
    """The same parts, and about the same width and height: it goes in the same direction."""
    one, other = made.read_text("utf-8"), shown.read_text("utf-8")
    assert graph_parts(one) == graph_parts(other)
    sizes = [[float(n) for n in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)] for svg in (one, other)]
    np.testing.assert_allclose(*sizes, rtol=0.25)


def assert_same_figure(made: Path, shown: Path) -> None:
    """The same texts and curves; where another version of matplotlib has moved the frames, 1 pt apart."""
    one, other = made.read_text("utf-8"), shown.read_text("utf-8")
    assert figure_texts(one) == figure_texts(other)
    (frames, curves), (other_frames, other_curves) = figure_paths(one), figure_paths(other)
    tolerance = 0.05 if frames == other_frames else 1
    for a, b in zip(curves, other_curves, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def assert_same_pixels(made: Path, shown: Path) -> None:
    """The same pixels if one version of matplotlib made both; if not, alike in squares of 10 x 10."""
    image = pytest.importorskip("PIL.Image")
    one, other = image.open(made), image.open(shown)
    a, b = (np.asarray(picture.convert("RGB"), dtype=float) for picture in (one, other))
    assert a.shape == b.shape
    if one.info["Software"] == other.info["Software"]:
        assert np.sqrt(np.mean((a - b) ** 2)) < 1
    else:
        height, width = (n // 10 for n in a.shape[:2])
        a, b = (x[: height * 10, : width * 10].reshape(height, 10, width, 10, 3).mean((1, 3)) for x in (a, b))
        assert np.abs(a - b).max() < 40


@pytest.mark.parametrize(
    "script", [s for s in scripts if any(images.glob(f"{s.stem}*"))], ids=lambda s: s.stem
)
def test_a_picture_of_an_example_is_what_the_example_makes(script, tmp_path):
    if "matplotlib" in script.read_text("utf-8"):
        pytest.importorskip("matplotlib")
    try:
        runpy.run_path(str(script))["main"](tmp_path)
    except NoRenderer:
        pytest.skip("nothing here can draw")
    for shown in images.glob(f"{script.stem}*"):
        same = assert_same_graph if shown.suffix == ".svg" else assert_same_pixels
        try:
            same(tmp_path / shown.name, shown)
        except AssertionError as error:
            pytest.fail(f"{shown.name} is out of date: run python {maker(shown)} docs/images\n{error}")


def test_the_picture_of_overfitting_is_what_the_command_makes(tmp_path):
    pytest.importorskip("matplotlib")
    from minigrad.experiments import figures, regularization, settings

    seed = settings.default_seed
    dataset, setting = next(settings.default_sets(seed))
    made = tmp_path / of_the_command
    experiment = regularization(dataset, replace(setting, seed=seed))
    made.write_text(figures.overfitting(experiment), encoding="utf-8")
    try:
        assert_same_figure(made, images / made.name)
    except AssertionError as error:
        pytest.fail(f"{made.name} is out of date: run python {maker(made)}, and copy it from there\n{error}")


@pytest.mark.parametrize("name", of_the_sweep)
def test_a_picture_of_the_sweep_is_what_its_results_make(name, tmp_path):
    pytest.importorskip("matplotlib")
    results = Results.read(root / "tests" / "golden" / "sweep")  # kept from `minigrad sweep`
    (tmp_path / name).write_text(getattr(results, of_the_sweep[name])(), encoding="utf-8")
    assert_same_figure(tmp_path / name, images / name)


def test_the_plot_of_the_benchmark_is_what_its_results_make(tmp_path):
    pytest.importorskip("matplotlib")
    if not page_of_the_benchmark.kept.exists():
        pytest.skip("no run of the benchmark is kept; python tests/benchmarks/run.py --write keeps one")
    results = json.loads(page_of_the_benchmark.kept.read_text(encoding="utf-8"))
    page_of_the_benchmark.draw(results, tmp_path / of_the_benchmark)
    try:
        assert_same_pixels(tmp_path / of_the_benchmark, images / of_the_benchmark)
    except AssertionError as error:
        pytest.fail(f"{of_the_benchmark} is out of date: run python tests/benchmarks/page.py\n{error}")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("10_drawing.svg", ">W1<", ">W7<"),
        ("10_drawing.svg", "X&#45;&gt;matmul_1", "X&#45;&gt;matmul_2"),
        ("10_drawing.svg", "∂L/∂a", "∂L/∂b"),
        ("01_chain_rule.svg", "#fbe3c0", "#fbe3c1"),
        ("01_chain_rule.svg", 'svg width="', 'svg width="1'),
        (of_the_command, "training 0.02", "training 0.03"),
        (of_the_command, "L 51.14 -2", "L 51.14 -1"),
    ],
)
def test_a_drawing_that_is_out_of_date_is_found_out(name, before, after, tmp_path):
    text = (images / name).read_text("utf-8")
    assert before in text
    (tmp_path / name).write_text(text.replace(before, after), encoding="utf-8")
    same = assert_same_figure if name == of_the_command else assert_same_graph
    same(images / name, images / name)
    with pytest.raises(AssertionError):
        same(tmp_path / name, images / name)


@pytest.mark.parametrize("software", ["", "of another version"])
def test_a_plot_that_is_out_of_date_is_found_out(software, tmp_path):
    """A square of a new colour, a tenth of an inch wide."""
    image = pytest.importorskip("PIL.Image")
    info = pytest.importorskip("PIL.PngImagePlugin").PngInfo()
    shown = images / "04_l2.png"
    picture = image.open(shown)
    info.add_text("Software", picture.info["Software"] + software)
    picture.save(tmp_path / "same.png", pnginfo=info)
    assert_same_pixels(tmp_path / "same.png", shown)
    picture.paste((255, 200, 0), (100, 100, 110, 110))
    picture.save(tmp_path / "other.png", pnginfo=info)
    with pytest.raises(AssertionError):
        assert_same_pixels(tmp_path / "other.png", shown)


# ---- lists


def test_every_page_is_in_the_index():
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (root / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


reference = runpy.run_path(str(root / "docs" / "reference.py"))


def test_the_reference_is_what_the_docstrings_give():
    assert reference["page"].read_text(encoding="utf-8") == reference["text"](), (
        "run python docs/reference.py"
    )


def test_every_public_name_is_in_the_reference():
    listed = {
        id(reference["found"](before, n))
        for _, before, of in reference["sections"].values()
        for n in of.split()
    }
    public = [getattr(module, name) for module in (mg, mg.nn, mg.data) for name in module.__all__]
    assert [x for x in public if callable(x) and id(x) not in listed] == []


def test_the_readme_has_one_test_command():
    commands = [block for _, block in blocks(root / "README.md", "bash")]
    assert sum("-m pytest" in command for command in commands) == 1


def test_a_wrong_page_is_found_out(tmp_path, monkeypatch):
    """The tester, tested: a wrong output, and a block that raises."""
    monkeypatch.setattr(sys.modules[__name__], "root", tmp_path)
    for wrong in (">>> 1 + 1\n3\n", "x = 1 / 0\n"):
        page = tmp_path / "page.md"
        page.write_text(f"text\n\n```python\n{wrong}```\n", encoding="utf-8")
        with pytest.raises((AssertionError, ZeroDivisionError)):
            test_code_runs_and_gives_what_the_page_shows(page, tmp_path, monkeypatch)


def test_the_options_on_the_page_of_the_main_job_are_the_options_there_are():
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_options(parser)
    page = root / "docs" / "main-job.md"
    commands = [line for _, block in blocks(page, "bash") for line in block.splitlines()]
    assert len(commands) > 3
    for line in commands:
        assert line.startswith("python -m minigrad")
        parser.parse_args(shlex.split(line)[3:])
    listed = re.findall(r"`(--[a-z-]+)", page.read_text(encoding="utf-8").partition("## Options")[2])
    there_are = [option for action in parser._actions for option in action.option_strings if option != "-h"]
    assert set(listed) == set(there_are) - {"--help"}
