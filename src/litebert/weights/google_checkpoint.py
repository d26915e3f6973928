"""What is in an open checkpoint of Google's, which head it has, and the form it must fit."""

from dataclasses import dataclass, replace

from torch import nn

from litebert.encoder.encoder import Encoder
from litebert.encoder.models import HEADS, Head, Model
from litebert.foundation.errors import ModelFolderError
from litebert.weights.assembly import HEAD_PARTS, Blueprint, FormOf, head_in
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
from litebert.weights.missing import SMALLER, Fit, built, fitted
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


def choose_head(
    checkpoint: Checkpoint, said: GoogleConfig, asked: Head | None, allow_missing: bool
) -> Fit:
    """The head that is asked for, that the configuration says, or that is there.

    Nothing asked and said, heads of pretraining are expected where there is no other, and where a
    part of a head or the pooler is missing and may be, it is a smaller one or the encoder alone.
    Raises ModelFolderError where what is wanted is not in the checkpoint, or not clear, and where
    the configuration asks for more layers than there can be.
    """
    _check_layers(checkpoint, said)
    names, family = checkpoint.names, checkpoint.family
    parts = {name.partition(".")[0] for name in heads_held(names, family)}
    wanted = asked or said.head
    head = _head_among(parts, checkpoint.bundle.where) if wanted is None else wanted
    if wanted is not None:
        _check_wanted(wanted, parts, checkpoint.bundle.where)
    pooler = google_name(_POOLER, family) in names

    def blueprint(head: Head, pooler: bool) -> Blueprint:
        return _blueprint(checkpoint, said, head, pooler)

    whole = blueprint(head, pooler or said.pooler)
    # Of what is wanted only the pooler may be missing.
    less = SMALLER.get(head, ("none",)) if wanted is None else (wanted,)
    smaller = [blueprint(name, pooler) for name in less]
    unwanted = head_names(parts - set(HEAD_PARTS[head]), family)
    left = tuple(
        Mapped(stored, None, checkpoint.bundle.shapes[stored], "skipped", "of a head not asked for")
        for name, stored in names.items()
        if name in unwanted
    )
    kept = {name: stored for name, stored in names.items() if name not in unwanted}
    form = google_form(said.groups, said.where)
    fit = fitted(whole, smaller, checkpoint.bundle, kept, form, allow_missing)
    return replace(fit, rows=(*left, *fit.rows))


def build(checkpoint: Checkpoint, said: GoogleConfig, fit: Fit) -> tuple[Model, list[Mapped]]:
    """The model with a checkpoint's variables, and what became of each.

    Raises ModelFolderError that lists what is missing, unknown or of the wrong shape.
    """
    return built(fit, checkpoint.bundle, google_form(said.groups, said.where), fit.names)


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


def _head_among(parts: set[str], where: str) -> Head:
    """The head that the parts of heads in a checkpoint are of, one of pretraining if of none."""
    if parts <= set(HEAD_PARTS["pretraining"]):
        return "pretraining"
    try:
        return head_in(parts)
    except ModelFolderError:
        raise ModelFolderError(
            f"{where} holds {' and '.join(sorted(parts))}, which are not the head of one model: "
            f"say what is wanted with --head ({', '.join(HEADS)})"
        ) from None


def _check_wanted(head: Head, parts: set[str], where: str) -> None:
    """Raise ModelFolderError where nothing of a part of a wanted head is there."""
    if absent := [part for part in HEAD_PARTS[head] if part not in parts]:
        raise ModelFolderError(
            f"{where} has no {' and '.join(absent)}, which the head for {head} is made of; it "
            f"holds {' and '.join(sorted(parts)) or 'the encoder alone'}"
        )


def _blueprint(checkpoint: Checkpoint, said: GoogleConfig, head: Head, pooler: bool) -> Blueprint:
    """What to build for a head. Raises ModelFolderError for a choice of several outputs."""
    weights = google_name("classifier.weight", checkpoint.family)
    shape = checkpoint.shapes.get(weights, ())
    if head == "choice" and shape[:1] != (1,):
        raise ModelFolderError(
            f"{checkpoint.bundle.where}: {weights} {shape} has not one output: it is no choice"
        )
    classes = shape[0] if shape and shape[0] else 1
    return Blueprint(said.config, head, classes, pooler or HEADS[head].needs_pooler)
