"""From examples to results: token sequences through one model, or through several as one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from litebert.inference.engine import Engine, TokenSequence
from litebert.tasks.features import Tally
from litebert.tasks.kind import Encoded, Kind, Output, Result
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Member:
    """One model of those that answer together: its task, its tokenizer, and what runs it."""

    task: Task
    tokenizer: Tokenizer
    engine: Engine


def results_of(
    kind: Kind, members: Sequence[Member], examples: Iterable[Any], tally: Tally
) -> Iterator[Result]:
    """The result of every example, in order, a stretch being read ahead.

    Each member encodes the examples by itself. `tally` counts those of the first one.
    """
    source = iter(examples)
    stretch_length = members[0].engine.settings.look_ahead
    while stretch := list(islice(source, stretch_length)):
        encoded, outputs = [], []
        for index, member in enumerate(members):
            counts = tally if index == 0 else Tally()
            own = list(kind.encode(stretch, member.task, member.tokenizer, counts))
            encoded.append(own)
            outputs.append(outputs_of(member.engine, own))
        for example, first, *each in zip(stretch, encoded[0], *outputs, strict=True):
            value = kind.decode(example, first, each, members[0].task)
            yield Result(example, value, first.tokens)


def encoded_results(
    kind: Kind, task: Task, engine: Engine, examples: Sequence[Any], encoded: Sequence[Encoded]
) -> list[Result]:
    """The results of examples that are encoded already, of one model."""
    outputs = outputs_of(engine, encoded)
    return [
        Result(example, kind.decode(example, one, [rows], task), one.tokens)
        for example, one, rows in zip(examples, encoded, outputs, strict=True)
    ]


def outputs_of(engine: Engine, encoded: Sequence[Encoded]) -> list[list[Output]]:
    """For each example the outputs of its sequences, of which there may be none."""

    def sequences() -> Iterator[TokenSequence]:
        return (sequence for one in encoded for sequence in one.sequences)

    rows = engine.run(sequences())
    return [list(islice(rows, len(one.sequences))) for one in encoded]
