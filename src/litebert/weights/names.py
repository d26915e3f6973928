"""One table of names per family: our modules beside Hugging Face's.

A row holds for the module's weight and bias alike. `*.*` stands for the number of the parameter set
and of the inner layer, which {layer} contains. Source: transformers, modeling_albert.py and
modeling_bert.py.
"""

import re
from collections.abc import Iterable
from typing import Literal

Family = Literal["albert", "bert"]

# transformers has the second of these for XLNet alone, under the names of XLNet's own code.
_SPAN_HEADS = {
    "span": "qa_outputs",
    "answerable_span.start": "start_logits.dense",
    "answerable_span.end_hidden": "end_logits.dense_0",
    "answerable_span.end_norm": "end_logits.LayerNorm",
    "answerable_span.end": "end_logits.dense_1",
    "answerable_span.answer_hidden": "answer_class.dense_0",
    "answerable_span.answer": "answer_class.dense_1",
}

TABLES: dict[Family, dict[str, str]] = {
    "albert": {
        "encoder.embeddings.word": "albert.embeddings.word_embeddings",
        "encoder.embeddings.token_type": "albert.embeddings.token_type_embeddings",
        "encoder.embeddings.position": "albert.embeddings.position_embeddings",
        "encoder.embeddings.norm": "albert.embeddings.LayerNorm",
        "encoder.projection": "albert.encoder.embedding_hidden_mapping_in",
        "encoder.attention.*.*.query": "{layer}.attention.query",
        "encoder.attention.*.*.key": "{layer}.attention.key",
        "encoder.attention.*.*.value": "{layer}.attention.value",
        "encoder.attention.*.*.output": "{layer}.attention.dense",
        "encoder.attention.*.*.norm": "{layer}.attention.LayerNorm",
        "encoder.ffn.*.*.intermediate": "{layer}.ffn",
        "encoder.ffn.*.*.output": "{layer}.ffn_output",
        "encoder.ffn.*.*.norm": "{layer}.full_layer_layer_norm",
        "encoder.pooler": "albert.pooler",
        "masked_lm.dense": "predictions.dense",
        "masked_lm.norm": "predictions.LayerNorm",
        "masked_lm": "predictions",
        "sentence_order": "sop_classifier.classifier",
        "classifier": "classifier",
        **_SPAN_HEADS,
    },
    "bert": {
        "encoder.embeddings.word": "bert.embeddings.word_embeddings",
        "encoder.embeddings.token_type": "bert.embeddings.token_type_embeddings",
        "encoder.embeddings.position": "bert.embeddings.position_embeddings",
        "encoder.embeddings.norm": "bert.embeddings.LayerNorm",
        "encoder.attention.*.*.query": "{layer}.attention.self.query",
        "encoder.attention.*.*.key": "{layer}.attention.self.key",
        "encoder.attention.*.*.value": "{layer}.attention.self.value",
        "encoder.attention.*.*.output": "{layer}.attention.output.dense",
        "encoder.attention.*.*.norm": "{layer}.attention.output.LayerNorm",
        "encoder.ffn.*.*.intermediate": "{layer}.intermediate.dense",
        "encoder.ffn.*.*.output": "{layer}.output.dense",
        "encoder.ffn.*.*.norm": "{layer}.output.LayerNorm",
        "encoder.pooler": "bert.pooler.dense",
        "masked_lm.dense": "cls.predictions.transform.dense",
        "masked_lm.norm": "cls.predictions.transform.LayerNorm",
        "masked_lm": "cls.predictions",
        "sentence_order": "cls.seq_relationship",
        "classifier": "classifier",
        **_SPAN_HEADS,
    },
}

_LAYERS: dict[Family, str] = {
    "albert": "albert.encoder.albert_layer_groups.{set}.albert_layers.{inner}",
    "bert": "bert.encoder.layer.{set}",
}
_IN_A_SET = re.compile(r"encoder\.(attention|ffn)\.(\d+)\.(\d+)\.(\w+)")
# Buffers of old transformers versions: constants, never trained.
_CONSTANTS = (".embeddings.position_ids", ".embeddings.token_type_ids")
# What an encoder that was saved alone has at the beginning of its names, instead of the family's.
_ENCODERS = ("embeddings.", "encoder.", "pooler.")
_OLD_ENDINGS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


def hugging_face_name(ours: str, family: Family, stored_set: int | None = None) -> str:
    """Hugging Face's name of one of our parameters.

    `stored_set` replaces the number of the set where the file holds the sets otherwise. Raises
    KeyError for a name that the family's table does not have.
    """
    module, _, leaf = ours.rpartition(".")
    layer = ""
    if (found := _IN_A_SET.fullmatch(module)) is not None:
        half, own_set, inner, part = found.groups()
        module = f"encoder.{half}.*.*.{part}"
        number = own_set if stored_set is None else stored_set
        layer = _LAYERS[family].format(set=number, inner=inner)
    return f"{TABLES[family][module].format(layer=layer)}.{leaf}"


def parameter_set(ours: str) -> tuple[str, int] | None:
    """("attention" or "ffn", number of the set) of a layer's parameter, None for any other."""
    found = _IN_A_SET.match(ours)
    return None if found is None else (found[1], int(found[2]))


def tied_decoder(family: Family) -> dict[str, str]:
    """The masked-LM decoder's names, each with the name of what it is tied to.

    Files may leave the decoder out: transformers ties it again.
    """
    head = TABLES[family]["masked_lm"]
    return {
        f"{head}.decoder.weight": f"{TABLES[family]['encoder.embeddings.word']}.weight",
        f"{head}.decoder.bias": f"{head}.bias",
    }


def full_names(stored: Iterable[str], family: Family) -> dict[str, str]:
    """The names of a file's tensors as the table has them, each with the name in the file.

    An encoder saved alone gets its "albert." or "bert.", what a wrapper put in front ("module.")
    goes, gamma and beta of old files become weight and bias, a tied decoder stands in for what it
    is tied to, and constants are left out.
    """
    given = [name for name in stored if not is_constant(name)]
    wrapper, alone = _beginning(given, family)
    names: dict[str, str] = {}
    for name in given:
        short = name.removeprefix(wrapper)
        if alone and short.startswith(_ENCODERS):
            short = f"{family}.{short}"
        for old, new in _OLD_ENDINGS.items():
            if short.endswith(f".{old}"):
                short = short.removesuffix(old) + new
        names[name if short in names else short] = name
    for copy, name in tied_decoder(family).items():
        if copy in names and name not in names:
            names[name] = names.pop(copy)
    return names


def _beginning(names: list[str], family: Family) -> tuple[str, bool]:
    """What a wrapper put in front of all names, and whether the encoder was saved alone.

    The word embeddings tell, which every model has once.
    """
    anchor = f"{TABLES[family]['encoder.embeddings.word']}.weight"
    short = anchor.removeprefix(f"{family}.")
    found = [name for name in names if f".{name}".endswith(f".{short}")]
    if len(found) != 1:
        return "", False
    before = found[0].removesuffix(short)
    alone = not f".{before}".endswith(f".{family}.")
    return before.removesuffix(f"{family}."), alone


def is_constant(stored: str) -> bool:
    """Whether a tensor is a constant that old files carry and nothing needs."""
    return f".{stored}".endswith(_CONSTANTS)
