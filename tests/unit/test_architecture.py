"""The plan of docs/design.md, kept by reading the source: nothing is imported here."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "litebert"
FLOORS = {
    "foundation": 0,
    "encoder": 1,
    "text": 1,
    "optim": 1,
    "objectives": 1,
    "corpus": 2,
    "weights": 2,
    "report": 2,
    "training": 3,
    "inference": 3,
    "pretraining": 4,
    "tasks": 4,
    "export": 5,
    "serving": 5,
    "lab": 5,
    "demo": 5,
    "inspection": 5,
    "runs": 5,
    "cli": 6,
    "__main__": 7,
}
CORE_PACKAGES = {
    *("torch", "numpy", "safetensors", "sentencepiece", "tokenizers", "sentencex", "pyarrow"),
    *("pydantic", "cyclopts", "rich", "jinja2", "markupsafe", "matplotlib", "google_crc32c"),
}
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"}
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file of the package: its dotted name, text and syntax tree."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The room it lies in; "" for litebert/__init__.py, which only names the public names."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    def imports(self, top_only: bool = False) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of whatever it imports; `top_only` leaves out those in functions."""
        nodes = self.tree.body if top_only else list(ast.walk(self.tree))
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}: relative import in line {node.lineno}"
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


def read(path: Path) -> Source:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(name, path.read_text("utf-8"))


SOURCES = {source.name: source for source in map(read, sorted(SOURCE.rglob("*.py")))}
every_file = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def own_module(imported: str) -> str | None:
    """The module of litebert that an imported name lies in, None where it is not ours."""
    if imported.split(".")[0] != "litebert":
        return None
    while imported not in SOURCES:
        imported = imported.rpartition(".")[0]
    return imported


def own_imports(source: Source) -> Iterator[tuple[int, Source]]:
    for line, imported in source.imports():
        name = own_module(imported)
        if name not in (None, "litebert", source.name):
            yield line, SOURCES[name]


def part_of(source: Source) -> str:
    """litebert.tasks.glue.run → litebert.tasks.glue"""
    return ".".join(source.name.split(".")[:3])


@every_file
def test_it_lies_in_a_room_of_the_plan(source):
    assert source.room == "" or source.room in FLOORS


@every_file
def test_imports_run_downwards_and_never_sideways(source):
    if source.room == "":
        return
    wrong = [
        f"line {line}: {source.room} imports {target.name}"
        for line, target in own_imports(source)
        if target.room != source.room and FLOORS[target.room] >= FLOORS[source.room]
    ]
    assert wrong == []


def test_there_are_no_circles_between_files():
    graph = {
        name: {target.name for _, target in own_imports(source)}
        for name, source in SOURCES.items()
        if source.room
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("room", sorted({s.room for s in SOURCES.values() if s.room}))
def test_there_are_no_circles_between_the_parts_of_a_room(room):
    """A part is a file of the room, or a folder in it with all that lies there."""
    graph: dict[str, set[str]] = {}
    for source in SOURCES.values():
        if source.room == room:
            inside = {part_of(t) for _, t in own_imports(source) if t.room == room}
            graph.setdefault(part_of(source), set()).update(inside - {part_of(source)})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@every_file
def test_only_core_dependencies_are_imported_at_the_top(source):
    known = CORE_PACKAGES | sys.stdlib_module_names | {"litebert"}
    imported = {name.split(".")[0] for _, name in source.imports(top_only=True)}
    assert imported - known == set()


@every_file
def test_text_does_without_torch(source):
    if source.room == "text":
        assert not [name for _, name in source.imports() if name.split(".")[0] == "torch"]


@every_file
def test_matplotlib_is_used_without_its_global_state(source):
    assert not [name for _, name in source.imports() if name.startswith("matplotlib.pyplot")]


@every_file
def test_its_name_says_what_it_holds(source):
    assert source.name.rpartition(".")[2] not in FORBIDDEN_NAMES


@every_file
def test_it_is_short(source):
    assert len(source.text.splitlines()) <= LONGEST_MODULE


@every_file
def test_its_functions_are_short(source):
    lengths = {f.name: f.end_lineno - f.lineno + 1 for f in source.functions()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@every_file
def test_every_argument_is_typed(source):
    untyped = [
        f"{function.name}({argument.arg})"
        for function in source.functions()
        for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        if argument.annotation is None and argument.arg not in ("self", "cls")
    ]
    assert untyped == []


@every_file
def test_what_is_public_explains_itself(source):
    assert ast.get_docstring(source.tree) or not source.text.strip()
    public = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    mute = [
        node.name
        for node in source.tree.body
        if isinstance(node, public) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert mute == []


def test_the_rooms_of_the_plan_are_rooms_of_the_house():
    later = {"export", "serving", "lab"}
    assert set(FLOORS) - later <= {source.room for source in SOURCES.values()}


def test_half_of_the_files_are_well_below_the_limit():
    lengths = sorted(len(s.text.splitlines()) for s in SOURCES.values() if s.text.strip())
    assert lengths[len(lengths) // 2] <= 180
