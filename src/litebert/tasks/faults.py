"""What is wrong with a labelled data set: all of it is read before its first fault is reported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from litebert.foundation.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """The usable examples of a data set, and how many were left out."""

    examples: list[T]
    skipped: int = 0
    remark: str = ""
    """What was left out and why, in one line; "" where nothing was."""


@dataclass
class Faults:
    """The faults of a data set, the first one word for word."""

    source: object
    """The file or folder that is read."""
    unit: str = "rows"
    """What one example is called."""
    count: int = 0
    first: str = field(default="", init=False)

    def add(self, where: str, problem: str, count: int = 1) -> None:
        """Note that the example at `where` (or the `count` examples there) cannot be used.

        A problem that says where it is needs no `where`.
        """
        self.count += count
        self.first = self.first or ": ".join(filter(None, (where, problem)))

    def include(self, others: "Faults") -> None:
        """Count the faults of another list, too."""
        self.count += others.count
        self.first = self.first or others.first

    def settle(self, examples: Sequence[T], skip_bad: bool) -> Loaded[T]:
        """The examples, where there are faults only if `skip_bad` says to go on without those.

        Raises DataError with the first fault and the number of all, or where nothing is left.
        """
        if not examples:
            found = f"; the first fault is {self.first}" if self.count else ""
            raise DataError(f"{self.source} has no {self.unit} that can be used{found}")
        if self.count and not skip_bad:
            more, what = "", "it"
            if self.count > 1:
                more, what = f"; {self.count:,} {self.unit} are bad in all", "them"
            raise DataError(f"{self.first}{more}: mend {what}, or go on without (--skip-bad)")
        if not self.count:
            return Loaded(list(examples))
        whole = self.count + len(examples)
        remark = f"{self.count:,} of {whole:,} {self.unit} left out, the first being {self.first}"
        return Loaded(list(examples), self.count, remark)
