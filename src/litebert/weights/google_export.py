"""Model folders into checkpoints that Google's code reads; TensorFlow is not needed."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import Head, encoder_of, head_of
from litebert.foundation.errors import ConfigError
from litebert.foundation.files import atomic_folder, require_vacant, write_json
from litebert.text.source import CONFIG_FILE, LIST_FILE, MODEL_FILE
from litebert.weights.bundle_writer import Variable, write_bundle
from litebert.weights.folder import load_model, require_apart, resolve_model_folder
from litebert.weights.google_checkpoint import google_form
from litebert.weights.google_config import CONFIG_FILES, google_configuration, stored_groups

PREFIX = "model.ckpt-best"  # as in the published archives
_PREFIX = re.compile(r"\w[\w.+-]{0,199}")  # it must also fit into the file checkpoint
_VOCABULARIES = (MODEL_FILE, LIST_FILE)
_COPIED = (*_VOCABULARIES, CONFIG_FILE)  # the last says whether text keeps its case


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    folder: Path
    prefix: Path
    """Of the checkpoint in it."""
    variables: int
    size: int
    """Bytes of all files."""
    notes: tuple[str, ...]


def export_google(folder: str | Path, out: str | Path, prefix: str = PREFIX) -> Exported:
    """Write a model folder as a checkpoint that Google's code reads, with its configuration.

    Depths that share otherwise than in whole groups are written as copies, and the configuration's
    `litebert` object says what to tie again. Raises ModelFolderError where there is no model,
    StorageError where `out` is taken or cannot be written.
    """
    out, place = Path(out), resolve_model_folder(folder)
    if _PREFIX.fullmatch(prefix) is None:
        raise ConfigError(
            f"the prefix {prefix[:40]!r} is not the beginning of a file name: "
            "letters, digits, and . _ + - behind them"
        )
    require_vacant(out)
    require_apart(place, out)
    model = load_model(place)
    encoder = encoder_of(model)
    config, head = encoder.config, head_of(model)
    form = google_form(stored_groups(config), str(place))(model, encoder)
    state = model.state_dict()

    def variable(name: str) -> Variable:
        tensor = state[form.parameters[name]]
        turned = tensor.t() if name in form.transposed else tensor
        return Variable(name, form.shapes[name], lambda: turned)

    copied = [name for name in _COPIED if (place / name).is_file()]
    with atomic_folder(out) as new:
        write_bundle(new / prefix, [variable(name) for name in form.parameters])
        values = google_configuration(config, head, encoder.pooler is not None)
        write_json(new / CONFIG_FILES[config.family], values)
        for name in copied:
            shutil.copyfile(place / name, new / name)
        size = sum(path.stat().st_size for path in new.iterdir())
    notes = _export_notes(config, head, not {*copied}.isdisjoint(_VOCABULARIES))
    return Exported(out, out / prefix, len(form.parameters), size, notes)


def _export_notes(config: EncoderConfig, head: Head, vocabulary: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if config.family == "albert" and config.sharing != "all":
        notes.append(
            f"sharing {config.sharing} is written as {stored_groups(config)} groups of copies, "
            "which train apart in Google's code"
        )
    if config.hidden_act == "gelu_erf":
        notes.append(
            "Google's code computes gelu by the tanh approximation: its numbers will differ from "
            "this model's in the fourth digit"
        )
    if head == "tagging":
        notes.append("Google's code has no head for tagging: it is written as a classifier's")
    if not vocabulary:
        notes.append(f"there is no {MODEL_FILE} or {LIST_FILE} in the model folder to copy")
    return tuple(notes)
