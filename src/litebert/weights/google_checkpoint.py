"""What is in an open checkpoint of Google's, which head it has, and the form it must fit."""

from dataclasses import dataclass

from torch import nn

from litebert.encoder.encoder import Encoder
from litebert.encoder.models import HEADS, Head, Model, encoder_of
from litebert.foundation.errors import ModelFolderError
from litebert.weights.assembly import (
    HEAD_PARTS,
    Blueprint,
    FormOf,
    assemble,
    empty_model,
    head_in,
)
from litebert.weights.bundle import Bundle
from litebert.weights.google_config import GoogleConfig, google_sets
from litebert.weights.google_names import (
    family_of,
    google_name,
    head_names,
    heads_held,
    is_object_based,
    is_transposed,
    why_skipped,
    without_prefix,
)
from litebert.weights.mapping import Mapped, listed
from litebert.weights.names import Family
from litebert.weights.stored import Shape, StoredForm, named_form

_POOLER = "encoder.pooler.weight"


@dataclass(frozen=True)
class Checkpoint:
    """A bundle whose variables are told apart."""

    bundle: Bundle
    family: Family
    names: dict[str, str]
    """Those that may belong to a model: Google's names, each with the name in the bundle."""
    skipped: tuple[Mapped, ...]
    """The optimiser's and the training's."""

    @classmethod
    def of(cls, bundle: Bundle) -> "Checkpoint":
        """Raises ModelFolderError where there is no model of ours in it, or several."""
        if is_object_based(bundle.shapes):
            raise ModelFolderError(
                f"{bundle.where} was written by tf.train.Checkpoint or Keras, whose names do not "
                "say what a variable is: save the model with tf.compat.v1.train.Saver"
            )
        every = without_prefix(bundle.shapes)
        reasons = {name: why_skipped(name, every) for name in every}
        names = {name: stored for name, stored in every.items() if reasons[name] is None}
        family = family_of(names)
        if family is None:
            raise ModelFolderError(
                f"{bundle.where} holds no ALBERT or BERT, or several: there is not one "
                f"bert/embeddings/word_embeddings among its variables ({listed(every)})"
            )
        skipped = tuple(
            Mapped(every[name], None, bundle.shapes[every[name]], "skipped", reason)
            for name, reason in reasons.items()
            if reason is not None
        )
        return cls(bundle, family, names, skipped)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each variable, by Google's name."""
        return {name: self.bundle.shapes[stored] for name, stored in self.names.items()}

    @property
    def prefix(self) -> str:
        """What stands in front of the names, as "module/"."""
        name = google_name("encoder.embeddings.word.weight", self.family)
        return self.names[name].removesuffix(name)


@dataclass(frozen=True)
class Choice:
    """Which head is taken from a checkpoint, and what becomes of the rest."""

    head: Head
    pooler: bool
    names: dict[str, str]
    """The variables that the model must consist of: Google's names, and those in the bundle."""
    rows: tuple[Mapped, ...]
    """Variables of heads that are not wanted, and those that are not there."""


def choose_head(
    checkpoint: Checkpoint, said: GoogleConfig, asked: Head | None, allow_missing: bool
) -> Choice:
    """The head that is asked for, that the configuration says, or that is there.

    Raises ModelFolderError where that is not in the checkpoint, or not clear; where nothing was
    asked, also where the heads of pretraining are missing, and always where the pooler is; unless
    they are allowed to. Also where the configuration asks for more layers than there can be.
    """
    _check_layers(checkpoint, said)
    names, where = checkpoint.names, checkpoint.bundle.where
    held = heads_held(names, checkpoint.family)
    parts = {name.partition(".")[0] for name in held}
    wanted = asked or said.head
    missing: list[str] = []
    if wanted is None:
        head = _only_head(held, where)
        if head in ("none", "masked_lm"):
            missing = [part for part in HEAD_PARTS["pretraining"] if part not in parts]
    else:
        head = wanted
        if absent := [part for part in HEAD_PARTS[head] if part not in parts]:
            raise ModelFolderError(
                f"{where} has no {' and '.join(absent)}, which the head for {head} is made of; it "
                f"holds {' and '.join(sorted(parts)) or 'the encoder alone'}"
            )
    pooler = google_name(_POOLER, checkpoint.family) in names
    if said.pooler and not pooler and not HEADS[head].needs_pooler:
        missing.append("encoder.pooler")
    gone = _missing_rows(missing, said) if missing else ()
    if gone and not allow_missing:
        raise ModelFolderError(
            f"{where}: {len(gone)} missing: {listed(f'{row.stored} {row.shape}' for row in gone)}; "
            "to import what is there, give --allow-missing-heads"
        )
    unwanted = head_names(parts - set(HEAD_PARTS[head]), checkpoint.family)
    left = tuple(
        Mapped(stored, None, checkpoint.bundle.shapes[stored], "skipped", "a head not asked for")
        for name, stored in names.items()
        if name in unwanted
    )
    kept = {name: stored for name, stored in names.items() if name not in unwanted}
    return Choice(head, pooler or HEADS[head].needs_pooler, kept, (*left, *gone))


def build(checkpoint: Checkpoint, said: GoogleConfig, choice: Choice) -> tuple[Model, list[Mapped]]:
    """The model with a checkpoint's variables, and what became of each.

    Raises ModelFolderError that lists what is missing, unknown or of the wrong shape.
    """
    weights = google_name("classifier.weight", checkpoint.family)
    shape = checkpoint.shapes.get(weights, ())
    if choice.head == "choice" and shape[:1] != (1,):
        raise ModelFolderError(
            f"{checkpoint.bundle.where}: {weights} {shape} has not one output: it is no choice"
        )
    classes = shape[0] if shape and shape[0] else 1
    blueprint = Blueprint(said.config, choice.head, classes, choice.pooler)
    return assemble(
        blueprint, checkpoint.bundle, google_form(said.groups, said.where), choice.names
    )


def google_form(groups: int, where: str) -> FormOf:
    """How models are laid out in Google's files that hold the layers in so many groups."""

    def form(model: nn.Module, encoder: Encoder) -> StoredForm:
        sets = google_sets(encoder, groups, where)
        return named_form(model, encoder, sets, google_name, is_transposed)

    return form


def _check_layers(checkpoint: Checkpoint, said: GoogleConfig) -> None:
    """Raise ModelFolderError for more layers than there are variables, before any is built."""
    shared = said.config.sharing == "all"
    sets = 0 if shared else said.config.num_hidden_layers
    layers = max(said.groups, sets) * said.config.inner_group_num
    if layers > len(checkpoint.names):
        raise ModelFolderError(
            f"{checkpoint.bundle.where} does not fit {said.where}, which asks for {layers} layers"
        )


def _only_head(held: set[str], where: str) -> Head:
    try:
        return head_in(held)
    except ModelFolderError:
        parts = sorted({name.partition(".")[0] for name in held})
        raise ModelFolderError(
            f"{where} holds {' and '.join(parts)}, which are not the head of one model: "
            f"say what is wanted with --head ({', '.join(HEADS)})"
        ) from None


def _missing_rows(modules: list[str], said: GoogleConfig) -> tuple[Mapped, ...]:
    """A row for each variable of the heads of pretraining, or of the pooler, that is not there."""
    whole = empty_model(Blueprint(said.config, "pretraining"))
    form = google_form(said.groups, said.where)(whole, encoder_of(whole))
    wanted = tuple(f"{module}." for module in modules)
    return tuple(
        Mapped(name, ours, form.shapes[name], "missing", "not there, and not made up")
        for name, ours in form.parameters.items()
        if ours.startswith(wanted)
    )
