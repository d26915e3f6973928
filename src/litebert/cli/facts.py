"""What a command says when it is done: a name and a value a line, never cut or wrapped."""

from collections.abc import Mapping

from rich.console import Console


def print_facts(facts: Mapping[str, str]) -> None:
    """Print each name with its value, the values in one column."""
    console = Console(highlight=False)
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        console.print(f"{name:<{width}}{value}", markup=False, soft_wrap=True)
