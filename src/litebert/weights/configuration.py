"""`config.json` of a model folder: Hugging Face's fields, and a `litebert` object beside them.

The `litebert` object says what transformers has no word for: which parameters to tie again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import HEADS, Head
from litebert.foundation.errors import ConfigError, ModelFolderError
from litebert.text.normalise import replace_surrogates
from litebert.weights.names import Family
from litebert.weights.stored import groups_as_transformers

ARCHITECTURES: dict[Head, str] = {
    "none": "{family}Model",
    "pretraining": "{family}ForPreTraining",
    "masked_lm": "{family}ForMaskedLM",
    "classification": "{family}ForSequenceClassification",
    "choice": "{family}ForMultipleChoice",
    "tagging": "{family}ForTokenClassification",
    "span": "{family}ForQuestionAnswering",
}
# Classes of transformers that other heads' models fit, though they are not among ours.
_LIKE: dict[str, Head] = {
    "BertForNextSentencePrediction": "pretraining",
    "BertLMHeadModel": "masked_lm",
}
# Kinds of tasks that transformers tells from the choice of one label by a word of their own.
PROBLEM_TYPES = ("regression", "multi_label_classification")
OWN_TYPE = "litebert"  # the model_type of what transformers cannot run, so that nothing tries to
_FAMILIES: tuple[Family, ...] = ("albert", "bert")
# Our activation → Hugging Face's, and the reverse with their other words for the same functions.
_WRITTEN = {
    "gelu": "gelu_new",
    "gelu_erf": "gelu",
    "relu": "relu",
    "tanh": "tanh",
    "linear": "linear",
}
_READ = {
    **{theirs: ours for ours, theirs in _WRITTEN.items()},
    "gelu_pytorch_tanh": "gelu",
    "gelu_fast": "gelu",
    "gelu_python_tanh": "gelu",
    "gelu_python": "gelu_erf",
}
_REQUIRED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)
# Fields both sides call the same; where a foreign file lacks one, transformers' default holds.
_DEFAULTS: dict[Family, dict[str, Any]] = {
    "albert": {
        "embedding_size": 128,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "classifier_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
    },
    "bert": {
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "classifier_dropout": None,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
    },
}
LARGEST = 1 << 20  # no width or vocabulary of a real model comes near
DEEPEST = 1 << 12
# Which model it is, and its outputs; and what the tokenizer says too.
_NOT_THE_ENCODERS = (
    *("architectures", "model_type", "litebert"),
    *("id2label", "label2id", "num_labels", "problem_type"),
    *("pad_token_id", "bos_token_id", "eos_token_id"),
)
# Settings of foreign models that change the mathematics to something the encoder does not have.
_MUST_BE: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
}


def write_configuration(
    config: EncoderConfig,
    stored_groups: int,
    head: Head,
    labels: Sequence[str] | None = None,
    special_ids: tuple[int, int, int] = (0, 2, 3),
) -> dict[str, Any]:
    """The content of `config.json` for an encoder stored as so many groups.

    `labels` name the outputs of a classifier; `special_ids` are those of [PAD], [CLS], [SEP].
    """
    family = config.family
    runs_there = head in ARCHITECTURES
    values: dict[str, Any] = {
        "architectures": [architecture(head, family)] if runs_there else [],
        "model_type": family if runs_there else OWN_TYPE,
        **{key: getattr(config, key) for key in _REQUIRED},
        **{
            key: getattr(config, key)
            for key in _DEFAULTS[family]
            if key in type(config).model_fields
        },
        "hidden_act": _WRITTEN[config.hidden_act],
    }
    if family == "albert":
        values["num_hidden_groups"] = stored_groups
    else:
        values["classifier_dropout"] = config.classifier_dropout_prob
    values |= dict(zip(("pad_token_id", "bos_token_id", "eos_token_id"), special_ids, strict=True))
    if labels is not None:
        values["id2label"] = {str(index): label for index, label in enumerate(labels)}
        values["label2id"] = {label: index for index, label in enumerate(labels)}
    values["litebert"] = {"sharing": config.sharing, "num_hidden_groups": config.num_hidden_groups}
    if not runs_there:
        values["litebert"] |= {"family": family, "head": head}
    return values


def architecture(head: Head, family: Family) -> str:
    """transformers' name for the model class of a head."""
    return ARCHITECTURES[head].format(family=family.capitalize())


def read_head(values: Any, where: str) -> Head | None:
    """Which head a `config.json` says its model has; None where it names none that we know.

    Raises ModelFolderError where a `litebert` object names an unknown one.
    """
    if values.get("model_type") == OWN_TYPE:
        said = values.get("litebert")
        own = said.get("head") if isinstance(said, dict) else None
        known = next((head for head in HEADS if head == own), None)
        if known is None:
            raise ModelFolderError(
                f"{where}: litebert, head {own!r:.40} is none of {', '.join(HEADS)}"
            )
        return known
    names = values.get("architectures")
    named = names[0] if isinstance(names, list) and names else None
    classes = {architecture(head, f): head for head in ARCHITECTURES for f in _FAMILIES} | _LIKE
    return next((head for name, head in classes.items() if name == named), None)


def read_configuration(values: Any, where: str) -> EncoderConfig:
    """The encoder that a `config.json` describes, ours or Hugging Face's; `where` is for messages.

    Keys that do not concern the encoder are passed over. Raises ModelFolderError where the model is
    neither ALBERT nor BERT, a field is missing or wrong, or the encoder cannot compute it.
    """
    if not isinstance(values, dict):
        raise ModelFolderError(f"{where} holds no JSON object: it is not a model's configuration")
    family = _family(values)
    if family is None:
        raise ModelFolderError(
            f"{where}: model_type {values.get('model_type')!r} is not one litebert reads: "
            '"albert" or "bert"'
        )
    for key in _REQUIRED:
        if key not in values:
            raise ModelFolderError(f"{where}: {key} is missing")
    for key, accepted in _MUST_BE.items():
        if values.get(key) not in accepted:
            raise ModelFolderError(f"{where}: {key} {values[key]!r:.40} is not supported")
    fields = {key: values[key] for key in _REQUIRED}
    fields |= {key: values.get(key, default) for key, default in _DEFAULTS[family].items()}
    activation = fields["hidden_act"]
    if not isinstance(activation, str) or activation not in _READ:
        raise ModelFolderError(
            f"{where}: hidden_act {activation!r:.40} is not supported: {', '.join(_READ)} are"
        )
    fields["hidden_act"] = _READ[activation]
    fields["family"] = family
    if family == "bert":
        fields |= _bert_fields(fields)
    elif fields["classifier_dropout_prob"] is None:
        fields["classifier_dropout_prob"] = fields["hidden_dropout_prob"]
    try:
        stored = EncoderConfig.parse(fields, where)
        _check_sizes(stored, where)
        config = _shared_as_said(stored, values.get("litebert"), where)
        _check_sizes(config, where)
        return config
    except ConfigError as error:
        raise ModelFolderError(str(error)) from None


def unread_keys(values: Mapping[str, Any], family: Family) -> list[str]:
    """The keys of a `config.json` that nothing here depends on."""
    known = {*_REQUIRED, *_DEFAULTS[family], *_MUST_BE, *_NOT_THE_ENCODERS}
    return [key for key in values if key not in known]


def read_labels(values: Mapping[str, Any], classes: int) -> list[str]:
    """The names of a classifier's outputs, LABEL_0 … where `config.json` has none that fit."""
    named = values.get("id2label")
    keys = [str(index) for index in range(classes)]
    if isinstance(named, dict) and sorted(named) == sorted(keys):
        return [replace_surrogates(str(named[key])) for key in keys]
    return default_labels(classes)


def read_task(values: Mapping[str, Any], classes: int) -> dict[str, Any]:
    """What a `config.json` tells of the task of a classifier of texts: its kind and its labels.

    transformers takes a classifier with one output for a regression.
    """
    kind = values.get("problem_type")
    if kind not in PROBLEM_TYPES:
        kind = "regression" if classes == 1 else "classification"
    labels = read_labels(values, classes)
    return {"kind": kind} if kind == "regression" else {"kind": kind, "labels": labels}


def default_labels(classes: int) -> list[str]:
    """Hugging Face's names for outputs that have none."""
    return [f"LABEL_{index}" for index in range(classes)]


def _family(values: dict[str, Any]) -> Family | None:
    named = values.get("model_type")
    if named == OWN_TYPE and isinstance(values.get("litebert"), dict):
        named = values["litebert"].get("family")
    return next((family for family in _FAMILIES if family == named), None)


def _check_sizes(config: EncoderConfig, where: str) -> None:
    for key, value in config:
        limit = DEEPEST if key == "num_hidden_layers" else LARGEST
        if isinstance(value, int) and value > limit:
            raise ModelFolderError(f"{where}: {key} {value} is no size a model can have")


def _bert_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """BERT in the words of our encoder: nothing shared, nothing factorised."""
    dropout = fields.pop("classifier_dropout")
    return {
        "classifier_dropout_prob": fields["hidden_dropout_prob"] if dropout is None else dropout,
        "embedding_size": fields["hidden_size"],
        "sharing": "none",
    }


def _shared_as_said(stored: EncoderConfig, said: Any, where: str) -> EncoderConfig:
    """The configuration with its own sharing, instead of the groups it is stored as."""
    if said is not None:
        if not isinstance(said, dict):
            raise ModelFolderError(f'{where}: "litebert" must be an object')
        changes = {key: value for key, value in said.items() if key not in ("family", "head")}
        return EncoderConfig.parse({**stored.model_dump(), **changes}, f"{where}, litebert")
    if stored.family == "bert":
        return stored
    L, G = stored.num_hidden_layers, stored.num_hidden_groups
    if L == G and L > 1:
        return stored.changed(sharing="none", num_hidden_groups=1)
    if not groups_as_transformers(stored):
        raise ModelFolderError(
            f"{where}: {G} groups over {L} layers are divided otherwise by transformers than by "
            "the original: such a model cannot be read"
        )
    return stored
