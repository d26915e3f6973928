"""Results by length: how well a model does on short and on long examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from litebert.report.page import Cell, Section, Table
from litebert.tasks.kind import Result

_SHORTEST = 16  # tokens of the first bucket; each further one reaches twice as far


@dataclass(frozen=True)
class LengthScore:
    """A score over the examples of `least` to `most` tokens."""

    least: int
    most: int
    examples: int
    score: float


def score_lengths(
    results: Sequence[Result],
    measure: Callable[[list[Result]], float],
    length: Callable[[Result], int] = lambda result: result.tokens,
    shortest: int = _SHORTEST,
) -> tuple[LengthScore, ...]:
    """The measure of each bucket of like length that has any examples, the shortest first.

    Each bucket reaches twice as far as the one before, the first to `shortest`.
    """
    buckets: dict[int, list[Result]] = {}
    for result in results:
        most = shortest
        while length(result) > most:
            most *= 2
        buckets.setdefault(most, []).append(result)
    return tuple(
        LengthScore(most // 2 + 1 if most > shortest else 0, most, len(part), measure(part))
        for most, part in sorted(buckets.items())
    )


def length_section(
    scores: Sequence[LengthScore], name: str, form: Callable[[float], str]
) -> Section:
    """The section of a page; `name` is what was measured."""
    caption = "Tokens of an example, special ones included."
    return Section("Results by length", [length_table(scores, name, form, "Tokens", caption)])


def length_table(
    scores: Sequence[LengthScore],
    name: str,
    form: Callable[[float], str],
    unit: str,
    caption: str = "",
) -> Table:
    """A row for each bucket; `unit` is what the lengths count."""
    rows: list[list[Cell]] = [
        [
            f"{one.least} – {one.most}" if one.least else f"up to {one.most}",
            one.examples,
            form(one.score),
        ]
        for one in scores
    ]
    return Table([unit, "Examples", name], rows, caption)
