"""Foreign tensors into our parameters: read against the form expected of them, and accounted for.

Nothing is taken on trust: every name and shape must fit, what must be equal is compared, and the
report says what became of every tensor.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from litebert.foundation.errors import ModelFolderError
from litebert.weights.stored import Shape, StoredForm, identity

Outcome = Literal["loaded", "converted", "skipped", "missing", "unused"]
OUTCOMES: dict[Outcome, str] = {
    "loaded": "taken as they are",
    "converted": "taken in another form: transposed, or a copy of what is shared",
    "skipped": "known, and not part of a model",
    "missing": "expected, and not in the file",
    "unused": "in the file, and not part of this model",
}
_FLOATS = ("F64", "F32", "F16", "BF16")
_SHOWN = 6  # names listed of each kind of fault
_LONGEST = 120  # characters shown of a name


class TensorSource(Protocol):
    """A file, or several, of named tensors; `tensor` gives one as float32 in memory of its own."""

    @property
    def where(self) -> str:
        """The path, for messages."""
        ...

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each tensor."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """The type of each in safetensors' words: F32, BF16, I64 …"""
        ...

    def tensor(self, name: str, transposed: bool = False) -> Tensor:
        """A tensor as float32, a matrix transposed on demand."""
        ...


@dataclass(frozen=True)
class Mapped:
    """What became of one foreign tensor."""

    stored: str
    """Its name in the file."""
    ours: str | None
    """The parameter of ours that it holds."""
    shape: Shape
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True)
class MappingReport:
    """What became of every tensor of an import, and what else the user should know."""

    where: str
    rows: tuple[Mapped, ...]
    notes: tuple[str, ...] = field(default=())

    def counts(self) -> dict[Outcome, tuple[int, int]]:
        """(tensors, numbers in them) by outcome."""
        tensors: Counter[Outcome] = Counter()
        numbers: Counter[Outcome] = Counter()
        for row in self.rows:
            tensors[row.outcome] += 1
            numbers[row.outcome] += prod(row.shape)
        return {outcome: (tensors[outcome], numbers[outcome]) for outcome in OUTCOMES}

    def as_dict(self) -> dict[str, Any]:
        """The whole report as plain data, for `import.json`."""
        counts = {name: {"tensors": t, "numbers": n} for name, (t, n) in self.counts().items()}
        rows = [asdict(row) for row in self.rows]
        return {"source": self.where, "counts": counts, "notes": list(self.notes), "tensors": rows}


def read_parameters(
    source: TensorSource, form: StoredForm, names: Mapping[str, str]
) -> tuple[dict[str, Tensor], list[Mapped]]:
    """Our parameters, and what became of each tensor, from a source that must hold exactly `form`.

    `names` gives for each name in the form's words the name in the source; what it leaves out is
    passed over. A parameter that the form does not store is left out. Raises ModelFolderError
    listing the tensors that are missing, unused, wrong-shaped, not of floats, or unequal.
    """
    check_fit(source, form, names)
    holders: dict[str, list[str]] = defaultdict(list)
    for name, ours in form.parameters.items():
        holders[ours].append(name)
    for copy, name in form.tied.items():
        if copy in names:
            holders[form.parameters[name]].append(copy)
    state: dict[str, Tensor] = {}
    rows: list[Mapped] = []
    unequal: list[str] = []
    for ours, stored in holders.items():
        for name in stored:
            turned = name in form.transposed
            tensor = source.tensor(names[name], turned)
            first = state.setdefault(ours, tensor)
            if tensor is not first and not torch.equal(first, tensor):
                unequal.append(names[name])
            note = "transposed" if turned else "" if tensor is first else "a copy"
            outcome: Outcome = "converted" if note else "loaded"
            rows.append(Mapped(names[name], ours, source.shapes[names[name]], outcome, note))
    for name, shape in form.identity.items():
        rows.append(Mapped(names[name], None, shape, "converted", "the identity: no projection"))
        if not torch.equal(source.tensor(names[name]), identity(shape)):
            unequal.append(names[name])
    if unequal:
        raise ModelFolderError(
            f"{source.where}: {listed(unequal)} differ from the tensors they must be equal to "
            "(shared parameters are stored as copies, no projection as the identity): "
            "the file was altered, or is of a model that litebert does not have"
        )
    return state, rows


def listed(names: Iterable[str], most: int = _SHOWN) -> str:
    """Some names for a message, and how many more there are; whatever a file calls its tensors."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(map(_printable, every[:most])) + more


def _printable(name: str) -> str:
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in shown
    )


def check_fit(source: TensorSource, form: StoredForm, names: Mapping[str, str]) -> None:
    """Raise ModelFolderError, listing all that is wrong with names, shapes and kinds at once."""
    required = {**form.shapes, **form.identity}
    shapes = {**required, **{copy: form.shapes[of] for copy, of in form.tied.items()}}
    both = [name for name in shapes if name in names]
    wrong = [
        f"{names[name]} {source.shapes[names[name]]} instead of {shapes[name]}"
        for name in both
        if source.shapes[names[name]] != shapes[name]
    ]
    faults = {
        "missing": [name for name in required if name not in names],
        "unexpected": [names[name] for name in names if name not in shapes],
        "of the wrong shape": wrong,
        "not floating-point": [
            names[name] for name in both if source.kinds[names[name]] not in _FLOATS
        ],
    }
    said = [f"{len(found)} {fault}: {listed(found)}" for fault, found in faults.items() if found]
    if said:
        raise ModelFolderError(
            f"{source.where} does not fit the model's configuration; {'; '.join(said)}"
        )
