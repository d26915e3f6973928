"""The demo's labelled task: which library does this paragraph document?

The libraries' own names and usual aliases are masked in every text. Test paragraphs come from
modules of their own, which neither the labelled examples nor the pretraining text have seen.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from litebert.demo.source import Module
from litebert.foundation.errors import DataError
from litebert.foundation.randomness import generator

MASK = "library"  # stands where a library's name stood

# The classes: a label, the packages that belong to it, and the names it goes by in its own texts.
# The six with the most text: of the others pretraining reads too little to tell them apart.
CLASSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "matplotlib": (("matplotlib", "mpl_toolkits"), ("matplotlib", "mpl", "plt", "pyplot")),
    "networkx": (("networkx",), ("networkx", "nx")),
    "numpy": (("numpy",), ("numpy", "np")),
    "python": (("python",), ("python", "cpython")),
    "sympy": (("sympy",), ("sympy", "sp")),
    "torch": (("torch",), ("torch", "pytorch")),
}


@dataclass(frozen=True)
class LabelledParagraph:
    """A paragraph with its names masked, the library it documents, and the module it stands in."""

    text: str
    library: str
    module: str


@dataclass(frozen=True)
class TaskSize:
    """How large the task is; the counts are for each library."""

    labels: int = 16  # labelled examples to train on
    validation: int = 16  # more of them to choose the best checkpoint by
    test: int = 120  # at most
    fewest_words: int = 16  # in a paragraph
    most_words: int = 80
    of_a_module: int = 8  # paragraphs of one module at most


@dataclass(frozen=True)
class LibraryTask:
    """The labelled examples of each split, and the modules left to pretrain on."""

    labels: tuple[str, ...]
    train: tuple[LabelledParagraph, ...]
    validation: tuple[LabelledParagraph, ...]
    test: tuple[LabelledParagraph, ...]
    pretraining: tuple[Module, ...]


def make_task(
    modules: Sequence[Module], size: TaskSize | None = None, seed: int = 1
) -> LibraryTask:
    """Draw the splits and hold the test modules back from pretraining.

    A library with too few paragraphs, or that is not installed, is no class. Raises DataError
    where fewer than two classes are left.
    """
    size = size or TaskSize()
    train: list[LabelledParagraph] = []
    validation: list[LabelledParagraph] = []
    test: list[LabelledParagraph] = []
    labels: list[str] = []
    held_out: set[str] = set()
    for label, (packages, _) in CLASSES.items():
        pools = [
            _candidates(module, label, size) for module in modules if module.library in packages
        ]
        split = _split([pool for pool in pools if pool], label, size, seed)
        if split is not None:
            labels.append(label)
            held_out |= {example.module for example in split[1]}
            train += split[0][: size.labels]
            validation += split[0][size.labels :]
            test += split[1]
    if len(labels) < 2:
        raise DataError(
            "too little documentation is installed for a labelled task: two libraries at least "
            "need enough of it; install litebert with its dependencies"
        )
    tested = {_key(example.text) for example in test}
    return LibraryTask(
        tuple(labels),
        tuple(example for example in train if _key(example.text) not in tested),
        tuple(example for example in validation if _key(example.text) not in tested),
        tuple(test),
        tuple(_without(module, tested) for module in modules if module.name not in held_out),
    )


def mask_names(text: str) -> str:
    """The text with every class's names masked, as whole words and inside dotted names."""
    return _NAMES.sub(MASK, text)


def _name_pattern(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(set(names), key=lambda name: (-len(name), name))
    choices = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first)
    # An underscore parts words here, so that the name inside `from_numpy` is found as well.
    return re.compile(rf"(?<![^\W_])(?:{choices})(?![^\W_])", re.IGNORECASE)


_NAMES = _name_pattern(name for _, names in CLASSES.values() for name in names)


def _candidates(module: Module, label: str, size: TaskSize) -> list[LabelledParagraph]:
    return [
        LabelledParagraph(mask_names(text), label, module.name)
        for text in module.paragraphs
        if size.fewest_words <= len(text.split()) <= size.most_words
    ]


def _split(
    pools: list[list[LabelledParagraph]], label: str, size: TaskSize, seed: int
) -> tuple[list[LabelledParagraph], list[LabelledParagraph]] | None:
    """(labelled examples, test examples) of one library, from different modules.

    None where its modules do not give enough of both.
    """
    draw = generator(seed, "demo task", label)
    order = [pools[i] for i in draw.permutation(len(pools))]
    drawn = [[pool[i] for i in draw.permutation(len(pool))[: size.of_a_module]] for pool in order]
    test: list[LabelledParagraph] = []
    while drawn and len(test) < size.test and len(drawn) > 2 * len(pools) // 3:
        test += drawn.pop()
    rest = [example for pool in drawn for example in pool]
    needed = size.labels + size.validation
    if len(rest) < needed or len(test) < size.test // 2:
        return None
    return [rest[i] for i in draw.permutation(len(rest))[:needed]], test[: size.test]


def _without(module: Module, tested: set[str]) -> Module:
    """The module less the paragraphs that are, names aside, also in the test set."""
    kept = tuple(text for text in module.paragraphs if _key(mask_names(text)) not in tested)
    return Module(module.library, module.name, kept)


def _key(text: str) -> str:
    """What two paragraphs share that differ in case, spaces and marks only."""
    return re.sub(r"\W+", " ", text).strip().lower()
