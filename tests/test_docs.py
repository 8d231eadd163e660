"""The pages say what is true: code runs, links lead somewhere, pictures have a command that makes them."""

import argparse
import doctest
import re
import shlex
import sys
from pathlib import Path

import pytest

from minigrad.experiments import command
from minigrad.table import compositions, name_of, table

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
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http:", "https:", "mailto:", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), f"{_name(page)}: {target}"


def test_every_picture_is_used_and_every_page_with_one_names_the_command_that_makes_it():
    used = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)\)", text):
            picture = (page.parent / target).resolve()
            used.add(picture)
            commands = re.findall(r"python (examples/\w+\.py|-m minigrad)", text)
            assert commands, f"{_name(page)} shows {target} without the command that makes it"
    assert used == {path.resolve() for path in (root / "docs" / "images").iterdir()}


def test_every_page_is_in_the_index():
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (root / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_the_list_of_rows_is_complete_and_names_nothing_else():
    page = (root / "docs" / "tensor-and-table.md").read_text(encoding="utf-8")
    section = page.partition("## What has a row")[2].partition("##")[0]
    listed = set(re.findall(r"`((?:np|mg)\.\w+)`", section))
    rows = {name_of(f) for f in (*table, *compositions) if re.match(r"(np|mg)\.", name_of(f))}
    rows -= {"mg.cube"}  # of a docstring's example
    rows -= {
        "mg.scatter_add",
        "mg.uniform_draw",
        "mg.cross_entropy_of_logit",
        "mg.cross_entropy_of_probability",
    }
    assert listed <= rows
    in_words = re.compile(r"np\.(not_)?(equal|less|greater|invert|logical|bitwise)")
    assert {name for name in rows - listed if not in_words.match(name)} == set()


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
