"""What README, CONTRIBUTING and docs tell people to type exists and parses."""

import re
import shlex
from pathlib import Path

import pytest

from litebert.cli.main import COMMANDS, app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def fenced(language: str) -> list[tuple[str, str]]:
    return [
        (page.name, block)
        for page in PAGES
        for found, block in FENCE.findall(page.read_text("utf-8"))
        if found == language
    ]


def commands() -> list[str]:
    """Lines of unlabelled and shell blocks that begin with our command or with make."""
    blocks = [*fenced(""), *fenced("sh")]
    lines = [line.strip() for _, block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\w+=\S.*? )?(litebert|make) ", line)]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("line", [c for c in commands() if c.startswith("litebert")])
def test_a_command_parses(line):
    app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("line", [c for c in commands() if "make " in c])
def test_a_make_target_exists(line):
    assert set(re.findall(r"(?:^|\s)make ([a-z-]+)", line)) <= targets()


@pytest.mark.parametrize(("page", "block"), fenced("python"), ids=lambda value: value[:12])
def test_python_compiles(page, block):
    compile(block, page, "exec")


def test_the_readme_lists_every_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `litebert (\w+)", readme, re.MULTILINE))
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
