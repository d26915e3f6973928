"""Real English text that is on every machine with Python: documentation, read from source files.

Docstrings of the standard library and of the packages that litebert depends on, and the pydoc
topics of the language reference. Files are parsed with `ast`; nothing is imported or run, nothing
is downloaded. One module is one document. The order is fixed, so equal installations give equal
text.
"""

import ast
import importlib.util
import re
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from litebert.demo.prose import paragraphs
from litebert.foundation.errors import DataError
from litebert.foundation.progress import Progress

STANDARD_LIBRARY = "python"
# What the core dependencies bring, by import name. An absent one is left out.
LIBRARIES = (
    "torch", "sympy", "networkx", "matplotlib", "numpy", "huggingface_hub", "fontTools", "pydantic",
    "mpmath", "fsspec", "pygments", "cyclopts", "PIL", "rich", "mpl_toolkits", "pyparsing", "pip",
    "pyarrow", "jinja2", "setuptools", "click", "packaging", "anyio", "attr", "dateutil",
    "filelock", "contourpy", "tqdm", "markdown_it", "httpx2", "httpcore2", "typing_extensions",
    "safetensors", "tokenizers", "rich_rst", "docstring_parser", "markupsafe", "cycler",
)  # fmt: skip

_LARGEST = 600_000  # bytes of a source file; larger ones are tables that a program wrote
_DOCUMENTED = 0.1  # share of a file inside triple quotes; below it parsing is not worth the time
_QUOTED = re.compile(r'("""|\'\'\').*?\1', re.DOTALL)
_SKIPPED = re.compile(
    r"(^|/)(tests?|_?testing|_?vendor(ed)?|third_party|site-packages|idlelib|lib2to3|turtledemo"
    r"|ensurepip|externals?|__pycache__|(test|bench)_[^/]*|conftest\.py|[^/]*_test\.py)(/|$)"
)


@dataclass(frozen=True)
class Module:
    """A module's documentation: the library it belongs to, its dotted name, its paragraphs."""

    library: str
    name: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    library: str
    name: str
    path: Path


def gather(libraries: Sequence[str] = LIBRARIES, workers: int = 1) -> list[Module]:
    """Read the documentation of the standard library and of `libraries`, a module a document.

    A paragraph that was met before, in any module, is left out. Raises DataError where an
    installation carries no source files at all.
    """
    files = [*_topic_files(), *_source_files(STANDARD_LIBRARY, _standard_library())]
    for library in libraries:
        files += [file for root in _roots(library) for file in _source_files(library, root)]
    modules: list[Module] = []
    seen: set[str] = set()
    with Progress("Reading documentation", total=len(files), unit="files") as progress:
        for file, found in zip(files, _read_all(files, workers), strict=True):
            progress.advance()
            for name, texts in found:
                fresh = tuple(text for text in dict.fromkeys(texts) if text not in seen)
                seen.update(fresh)
                if fresh:
                    modules.append(Module(file.library, name, fresh))
    if not modules:
        raise DataError("this Python installation carries no documentation: no source file has any")
    return modules


def docstrings(source: str) -> list[str]:
    """Every docstring of a Python source, in the order of the file.

    Also counts as one: a long text handed to a function that attaches documentation, the way
    NumPy and PyTorch document what is written in C. A source that cannot be parsed has none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return []
    return list(_documentation(tree))


def _documentation(node: ast.AST) -> Iterator[str]:
    """The docstrings of a node and of the statements in it, in their order.

    Expressions are not searched, which would take most of the time and find nothing.
    """
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node, clean=False)
        if text:
            yield text
    elif isinstance(node, ast.Expr) and _attaches_documentation(node.value):
        yield from _long_strings(node.value)
    for field in ("body", "handlers", "orelse", "finalbody"):
        for statement in getattr(node, field, ()):
            yield from _documentation(statement)


def _attaches_documentation(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name.startswith(("add_newdoc", "add_docstr", "_add_docstr", "add_doc"))


def _long_strings(call: ast.expr) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            yield node.value


def _read_all(files: list[_File], workers: int) -> Iterator[list[tuple[str, list[str]]]]:
    if workers == 1:
        yield from map(_read, files)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_read, files, chunksize=16)


def _read(file: _File) -> list[tuple[str, list[str]]]:
    """The documents of one file: (dotted name, paragraphs). Unreadable files have none."""
    try:
        source = file.path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    if file.name == "pydoc_data.topics":
        return [(f"topics.{name}", paragraphs(text)) for name, text in _topics(source)]
    quoted = sum(match.end() - match.start() for match in _QUOTED.finditer(source))
    if quoted < _DOCUMENTED * len(source):
        return []
    return [(file.name, [text for doc in docstrings(source) for text in paragraphs(doc)])]


def _topics(source: str) -> Iterator[tuple[str, str]]:
    """The language reference's topics: pydoc keeps them as one literal mapping of name to text."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            yield from sorted(ast.literal_eval(node.value).items())


def _topic_files() -> list[_File]:
    path = _standard_library() / "pydoc_data" / "topics.py"
    return [_File(STANDARD_LIBRARY, "pydoc_data.topics", path)] if path.is_file() else []


def _standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _roots(library: str) -> list[Path]:
    """Where an installed package lies, without importing it; nothing when it is not installed."""
    spec = importlib.util.find_spec(library)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []


def _source_files(library: str, root: Path) -> list[_File]:
    """The Python files below a package's folder (or the one file), in a fixed order."""
    if root.is_file():
        return [_File(library, library, root)]
    prefix = () if library == STANDARD_LIBRARY else (library,)
    files = []
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
        relative = path.relative_to(root)
        if _SKIPPED.search(relative.as_posix()) or relative.parts[0] == "pydoc_data":
            continue
        if path.stat().st_size <= _LARGEST:
            parts = relative.with_suffix("").parts
            name = ".".join([*prefix, *(parts[:-1] if parts[-1] == "__init__" else parts)])
            files.append(_File(library, name, path))
    return files
