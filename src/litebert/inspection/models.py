"""What model folders and vocabularies hold, without reading any weights."""

from pathlib import Path
from typing import Any

from litebert.encoder.config import EncoderConfig
from litebert.encoder.counts import parts_of
from litebert.encoder.models import Head, Model, encoder_of, head_of
from litebert.foundation.errors import LitebertError, ModelFolderError, VocabularyError
from litebert.foundation.files import read_json
from litebert.inspection.found import Found, counted, size_words
from litebert.text.source import FAST_FILE, LIST_FILE, MODEL_FILE
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer, WordPieceTokenizer
from litebert.text.vocabulary import SUMMARY_FILE
from litebert.weights.configuration import read_configuration
from litebert.weights.folder import (
    CONFIG_FILE,
    TASK_FILE,
    load_outline,
    matching_tokenizer,
    weights_file,
)
from litebert.weights.grown import GROWTH_FILE
from litebert.weights.huggingface_source import is_pickle, weights_file_of
from litebert.weights.imported import IMPORT_FILE

HEADS: dict[Head, str] = {
    "none": "none",
    "pretraining": "masked LM and sentence order",
    "masked_lm": "masked LM",
    "classification": "classes of a text",
    "choice": "a choice among texts",
    "tagging": "classes of each token",
    "span": "an answer's start and end",
    "answerable_span": "an answer's start and end, and whether there is one",
}
SHARING = {
    "all": "the depths of a group share a layer",
    "attention": "the depths of a group share their attention",
    "ffn": "the depths of a group share their feed-forward part",
    "none": "every depth has a layer of its own",
}
_VOCABULARY_FILES = (MODEL_FILE, LIST_FILE, FAST_FILE)
_SHOWN_LABELS = 8


def inspect_model(folder: Path) -> Found:
    """A model folder, ours or Hugging Face's; what must be imported first is said to.

    Raises ModelFolderError where the configuration cannot be read, or our weights do not fit it.
    """
    where = folder / CONFIG_FILE
    values = read_json(where, ModelFolderError)
    try:
        config = read_configuration(values, str(where))
        model = load_outline(folder)
    except ModelFolderError as error:
        if not isinstance(values, dict) or "litebert" in values:
            raise
        return _not_imported(folder, values, error)
    weights = folder / weights_file(head_of(model))
    numbers = parts_of(model)
    facts = {
        **_configuration(config),
        "head": _head(model, folder),
        "parameters": f"{sum(numbers.values()):,} ({size_words(weights.stat().st_size)} on disk)",
        **{f"  {part}": f"{number:,}" for part, number in numbers.items()},
        "vocabulary": _vocabulary_line(folder, config),
        **_history(folder),
    }
    origin = "model folder" if "litebert" in values else "Hugging Face folder, read as it is"
    return Found(origin, facts, [_next(head_of(model), folder)])


def holds_vocabulary(folder: Path) -> bool:
    """Whether a folder has the files of a vocabulary."""
    return any((folder / name).is_file() for name in _VOCABULARY_FILES)


def inspect_vocabulary(path: Path) -> Found:
    """A vocabulary's folder or file. Raises VocabularyError where it cannot be read."""
    tokenizer = Tokenizer.load(path)
    facts = vocabulary_facts(tokenizer)
    summary = path / SUMMARY_FILE
    if summary.is_file():
        values = read_json(summary, VocabularyError)
        names = ("sampled", "characters_per_token", "unknown_share")
        if isinstance(values, dict) and all(isinstance(values.get(n), int | float) for n in names):
            facts |= {
                "trained on": f"{values['sampled']:,} lines",
                "characters a token": f"{values['characters_per_token']:.2f}",
                "unknown tokens": f"{values['unknown_share']:.3%}",
            }
    hint = f"litebert corpus build TEXTS --vocabulary {path} --output CORPUS tokenises text"
    return Found("vocabulary", facts, [hint])


def vocabulary_facts(tokenizer: Tokenizer) -> dict[str, str]:
    """Kind, size and normalisation of a vocabulary."""
    facts = {
        "kind": tokenizer.kind,
        "pieces": f"{tokenizer.vocab_size:,}, of which {len(tokenizer.ordinary_ids):,} are text",
    }
    settings: dict[str, Any] = {}
    if isinstance(tokenizer, SentencePieceTokenizer):
        settings = tokenizer.normalisation.model_dump()
    if isinstance(tokenizer, WordPieceTokenizer):
        settings = tokenizer.settings.model_dump(exclude_none=True)
    for name, value in settings.items():
        shown = ("no", "yes")[value] if isinstance(value, bool) else str(value)
        facts[name.replace("_", " ")] = shown
    roles = ("pad", "unk", "cls", "sep", "mask")
    ids = {role: getattr(tokenizer, f"{role}_id") for role in roles}
    facts["special pieces"] = ", ".join(f"{tokenizer.pieces[i]} {i}" for i in ids.values())
    facts["fingerprint"] = tokenizer.fingerprint[:12]
    return facts


def _configuration(config: EncoderConfig) -> dict[str, str]:
    L, I = config.num_hidden_layers, config.inner_group_num  # noqa: E741
    inner = f" of {I} layers each" if I > 1 else ""
    groups = f" ({counted(config.num_hidden_groups, 'group')})" if config.sharing != "none" else ""
    dropout = f"{config.hidden_dropout_prob:g}, attention {config.attention_probs_dropout_prob:g}"
    return {
        "model": f"{config.family.upper()}, {counted(L, 'depth')}{inner} of width "
        f"{config.hidden_size:,}",
        "sharing": f"{config.sharing}: {SHARING[config.sharing]}{groups}",
        "widths": f"embeddings {config.embedding_size:,}, feed-forward "
        f"{config.intermediate_size:,}, {counted(config.num_attention_heads, 'attention head')}",
        "longest text": counted(config.max_position_embeddings, "token"),
        "activation": config.hidden_act,
        "dropout": dropout,
    }


def _head(model: Model, folder: Path) -> str:
    """The head, with what `task.json` says of its labels."""
    words = HEADS[head_of(model)]
    if encoder_of(model).pooler is None:
        words += " (no pooler)"
    if not (folder / TASK_FILE).is_file():
        return words
    task = read_json(folder / TASK_FILE, ModelFolderError)
    labels = task.get("labels") if isinstance(task, dict) else None
    if not isinstance(labels, list):
        return f"{words}; see {TASK_FILE}"
    shown = ", ".join(map(str, labels[:_SHOWN_LABELS]))
    more = f" and {len(labels) - _SHOWN_LABELS:,} more" if len(labels) > _SHOWN_LABELS else ""
    return f"{words}: {counted(len(labels), 'label')} ({shown}{more})"


def _vocabulary_line(folder: Path, config: EncoderConfig) -> str:
    """The tokenizer in a line; the table of the model may have more rows."""
    if not holds_vocabulary(folder):
        return f"none beside the model, which embeds {config.vocab_size:,} pieces"
    try:
        tokenizer = matching_tokenizer(folder, config)
    except LitebertError as error:
        return f"cannot be used: {error}"
    rows = config.vocab_size - tokenizer.vocab_size
    extra = f", and {counted(rows, 'row')} of no piece" if rows else ""
    return f"{tokenizer.kind}, {tokenizer.vocab_size:,} pieces{extra}"


def _history(folder: Path) -> dict[str, str]:
    """Where a model comes from, where it was imported or grown."""
    facts = {}
    for name, words, key in (
        (IMPORT_FILE, "imported from", "source"),
        (GROWTH_FILE, "grown from", "folder"),
    ):
        if (folder / name).is_file():
            values = read_json(folder / name, ModelFolderError)
            source = values.get(key) if isinstance(values, dict) else None
            facts[words] = f"{source or 'a source that it does not name'} (see {name})"
    return facts


def _not_imported(folder: Path, values: dict[str, Any], reason: ModelFolderError) -> Found:
    """A Hugging Face folder that must be imported first. Raises `reason` for a foreign model's."""
    try:
        config = read_configuration(values, str(folder / CONFIG_FILE))
        facts = {**_configuration(config), "vocabulary": _vocabulary_line(folder, config)}
    except ModelFolderError:
        if values.get("model_type") is not None:
            raise
        facts = {}  # of an older version: the import completes it
    weights = weights_file_of(folder)
    command = f"litebert import huggingface {folder} OUT"
    form = "in several files" if weights.name.endswith(".index.json") else "in one file"
    if is_pickle(weights):
        command += " --allow-pickle"
        form += ", pickled"
    facts |= {"weights": f"{weights.name} ({form})", "as it is": f"not read: {reason}"}
    return Found("Hugging Face folder, not imported yet", facts, [f"{command} imports it"])


def _next(head: Head, folder: Path) -> str:
    if not holds_vocabulary(folder):
        return f"Copy its {MODEL_FILE} or {LIST_FILE} into the folder: it cannot read text without"
    if head == "classification":
        return f"litebert predict {folder} ROWS labels new rows"
    return f"litebert finetune {folder} TABLE --output RUN fine-tunes it"
