"""The rules of the house that no linter knows: length, docstrings, names, no state at module level."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PYTHON = sorted(p for folder in ("src", "tests", "bench", "design") for p in (ROOT / folder).rglob("*.py"))
TEXTS = sorted(
    p
    for pattern in ("*.md", "*.toml", "check", "start", ".ci/*", "docs/**/*.md", "design/**/*.md", "bench/**/*.md")
    for p in ROOT.glob(pattern)
    if p.is_file()
)
FILE_LINES = 400
FUNCTION_LINES = 60
KERNEL_ARGUMENTS = 12
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "lib", "core", "base", "shared", "stuff"}
MACHINE = re.compile(r"/work/|/root/|/home/\w|/Users/|/tmp/pv|pythonhosted|pypi\.org|localhost:\d{4}/simple")
LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XXX|HA" r"CK)\b")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def public(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_function_is_short(path: Path) -> None:
    assert [f"{f.name}: {length(f)} lines" for f in functions(path) if length(f) > FUNCTION_LINES] == []


def kernels() -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield what is compiled, wherever it stands."""
    for path in SOURCES:
        for node in functions(path):
            if {"kernel", "inner"} & {ast.unparse(decorator) for decorator in node.decorator_list}:
                yield node


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    many = sum(one is not None for one in (given.vararg, given.kwarg))
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) + many


def test_a_kernel_is_short_and_has_few_arguments() -> None:
    found = list(kernels())
    marked = sum(len(re.findall(r"^ *@(?:kernel|inner)\b", path.read_text(), re.M)) for path in SOURCES)
    assert len(found) == marked > 300
    assert [f"{f.name}: {length(f)} lines" for f in found if length(f) > FUNCTION_LINES] == []
    assert [f"{f.name}: {arguments(f)} arguments" for f in found if arguments(f) > KERNEL_ARGUMENTS] == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_it_holds(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said
    assert len(said.splitlines()[0]) > 10


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    silent = [node.name for node in public(path) if not ast.get_docstring(node) and length(node) > 5]
    assert silent == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_name_says_what_is_inside(path: Path) -> None:
    assert path.stem not in DRAWERS
    assert path.parent.name not in DRAWERS
    managers = [n.name for n in public(path) if isinstance(n, ast.ClassDef) and n.name.endswith(("Manager", "Helper"))]
    assert managers == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_changes_at_module_level(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global)] == []
    caching = [f for f in functions(path) for d in f.decorator_list if re.search(r"\b(lru_)?cache\b", ast.unparse(d))]
    cached = [f.name for f in caching if f.args.args or f.args.kwonlyargs]  # without arguments: a table read once
    assert cached == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_random_numbers_have_a_seed(path: Path) -> None:
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    bare = [n.lineno for n in calls if ast.unparse(n.func).endswith("default_rng") and not (n.args or n.keywords)]
    assert bare == []


@pytest.mark.parametrize("path", [*PYTHON, *TEXTS], ids=name)
def test_nothing_is_put_off_and_nothing_knows_one_machine(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text()
    assert LATER.findall(text) == []
    assert MACHINE.findall(text) == []


def test_the_checks_see_the_files() -> None:
    assert ROOT / "src/skywarden/pipeline.py" in SOURCES
    assert {ROOT / "check", ROOT / ".ci/venv", ROOT / "README.md"} <= set(TEXTS)
