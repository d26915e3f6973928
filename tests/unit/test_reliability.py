"""docs/reliability.md names tests that are there, with the counts they have."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOAK = ROOT / "tests" / "soak"
ROW = re.compile(r"^\| R\d+ \| .* \| `(\w+\.py)::(\w+)` \| (.+?) \|", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "reliability.md").read_text("utf-8"))


def soak_tests() -> dict[tuple[str, str], str]:
    """The counts of every test of the soak, as the page writes them."""
    found = {}
    for path in SOAK.glob("soak_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                calls = [d for d in node.decorator_list if isinstance(d, ast.Call)]
                marks = {
                    keyword.arg: ast.literal_eval(keyword.value)
                    for call in calls
                    if isinstance(call.func, ast.Attribute) and call.func.attr == "cases"
                    for keyword in call.keywords
                }
                counts = f"{marks['ci']} / {marks['nightly']}" if marks else "every"
                found[path.name, node.name] = counts
    return found


def test_the_page_lists_every_test_of_the_soak_with_its_counts() -> None:
    assert {(file, name): counts for file, name, counts in ROWS} == soak_tests()
