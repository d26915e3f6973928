"""One table of names per family: our modules beside Google's variables.

`*.*` stands for the number of the parameter set and of the inner layer, which {layer} contains. A
variable ends as its kind does: {dense} in kernel and bias, {norm} in gamma and beta, {output} in
output_weights and output_bias; embeddings have no ending. Kernels lie the other way round than our
weights, output_weights do not. Source: the original's modeling.py, run_pretraining.py,
run_classifier.py, run_race.py, run_squad_v1.py, run_squad_v2.py, and BERT's of the same names.
"""

import re
from collections.abc import Iterable, Mapping

from litebert.weights.names import Family, parameter_set

_HEADS = {
    "masked_lm.dense": "cls/predictions/transform/dense/{dense}",
    "masked_lm.norm": "cls/predictions/transform/LayerNorm/{norm}",
    "masked_lm": "cls/predictions/{output}",
    "sentence_order": "cls/seq_relationship/{output}",
    "classifier": "{output}",
    "span": "cls/squad/{output}",
    "answerable_span.start": "start_logits/dense/{dense}",
    "answerable_span.end_hidden": "end_logits/dense_0/{dense}",
    "answerable_span.end_norm": "end_logits/LayerNorm/{norm}",
    "answerable_span.end": "end_logits/dense_1/{dense}",
    "answerable_span.answer_hidden": "answer_class/dense_0/{dense}",
    "answerable_span.answer": "answer_class/dense_1/{dense}",
}

GOOGLE_TABLES: dict[Family, dict[str, str]] = {
    "albert": {
        "encoder.embeddings.word": "bert/embeddings/word_embeddings",
        "encoder.embeddings.token_type": "bert/embeddings/token_type_embeddings",
        "encoder.embeddings.position": "bert/embeddings/position_embeddings",
        "encoder.embeddings.norm": "bert/embeddings/LayerNorm/{norm}",
        "encoder.projection": "bert/encoder/embedding_hidden_mapping_in/{dense}",
        "encoder.attention.*.*.query": "{layer}/attention_1/self/query/{dense}",
        "encoder.attention.*.*.key": "{layer}/attention_1/self/key/{dense}",
        "encoder.attention.*.*.value": "{layer}/attention_1/self/value/{dense}",
        "encoder.attention.*.*.output": "{layer}/attention_1/output/dense/{dense}",
        "encoder.attention.*.*.norm": "{layer}/LayerNorm/{norm}",
        "encoder.ffn.*.*.intermediate": "{layer}/ffn_1/intermediate/dense/{dense}",
        "encoder.ffn.*.*.output": "{layer}/ffn_1/intermediate/output/dense/{dense}",
        "encoder.ffn.*.*.norm": "{layer}/LayerNorm_1/{norm}",
        "encoder.pooler": "bert/pooler/dense/{dense}",
        **_HEADS,
    },
    "bert": {
        "encoder.embeddings.word": "bert/embeddings/word_embeddings",
        "encoder.embeddings.token_type": "bert/embeddings/token_type_embeddings",
        "encoder.embeddings.position": "bert/embeddings/position_embeddings",
        "encoder.embeddings.norm": "bert/embeddings/LayerNorm/{norm}",
        "encoder.attention.*.*.query": "{layer}/attention/self/query/{dense}",
        "encoder.attention.*.*.key": "{layer}/attention/self/key/{dense}",
        "encoder.attention.*.*.value": "{layer}/attention/self/value/{dense}",
        "encoder.attention.*.*.output": "{layer}/attention/output/dense/{dense}",
        "encoder.attention.*.*.norm": "{layer}/attention/output/LayerNorm/{norm}",
        "encoder.ffn.*.*.intermediate": "{layer}/intermediate/dense/{dense}",
        "encoder.ffn.*.*.output": "{layer}/output/dense/{dense}",
        "encoder.ffn.*.*.norm": "{layer}/output/LayerNorm/{norm}",
        "encoder.pooler": "bert/pooler/dense/{dense}",
        **_HEADS,
    },
}

_LAYERS: dict[Family, str] = {
    "albert": "bert/encoder/transformer/group_{set}/inner_group_{inner}",
    "bert": "bert/encoder/layer_{set}",
}
_ENDINGS = {
    "weight": {"dense": "kernel", "norm": "gamma", "output": "output_weights"},
    "bias": {"dense": "bias", "norm": "beta", "output": "output_bias"},
}
_ANCHOR = GOOGLE_TABLES["albert"]["encoder.embeddings.word"]  # every checkpoint has it
# What optimisers keep beside the variable VAR, as VAR/slot: the original's own, and TensorFlow's.
_SLOTS = {"adam_m", "adam_v", "Adam", "Adam_1", "lamb_m", "lamb_v", "LAMB", "LAMB_1", "Momentum"}
_COUNTERS = {"global_step", "beta1_power", "beta2_power", "loss_scale", "good_steps"}


def google_name(ours: str, family: Family, stored_set: int | None = None) -> str:
    """Google's name of one of our parameters.

    `stored_set` replaces the number of the set where the checkpoint holds the sets otherwise.
    Raises KeyError for a name that the family's table does not have.
    """
    module, _, leaf = ours.rpartition(".")
    layer = ""
    if (placed := parameter_set(ours)) is not None:
        half, own_set = placed
        _, _, _, inner, part = module.split(".")
        module = f"encoder.{half}.*.*.{part}"
        number = own_set if stored_set is None else stored_set
        layer = _LAYERS[family].format(set=number, inner=inner)
    return GOOGLE_TABLES[family][module].format(layer=layer, **_ENDINGS[leaf])


def is_transposed(ours: str) -> bool:
    """Whether Google's files hold the transpose of one of our parameters: kernels they do."""
    module, _, leaf = ours.rpartition(".")
    if (placed := parameter_set(ours)) is not None:
        module = f"encoder.{placed[0]}.*.*.{module.rpartition('.')[2]}"
    return leaf == "weight" and GOOGLE_TABLES["albert"][module].endswith("{dense}")


def family_of(names: Iterable[str]) -> Family | None:
    """Whose names a checkpoint's are, prefixes removed; None where they are nobody's we know."""
    known = list(names)
    if _ANCHOR not in known:
        return None
    bert = any(name.startswith("bert/encoder/layer_") for name in known)
    return "bert" if bert else "albert"


def heads_held(names: Iterable[str], family: Family) -> set[str]:
    """Our names of the heads' parameters that are among the names of a checkpoint."""
    held = set(names)
    return {
        f"{module}.{leaf}"
        for module in _HEADS
        for leaf in _ENDINGS
        if google_name(f"{module}.{leaf}", family) in held
    }


def head_names(modules: Iterable[str], family: Family) -> set[str]:
    """Google's names of all that heads may have, by the first words of our names of them."""
    wanted = set(modules)
    return {
        google_name(f"{module}.{leaf}", family)
        for module in _HEADS
        for leaf in _ENDINGS
        if module.partition(".")[0] in wanted
    }


def without_prefix(names: Iterable[str]) -> dict[str, str]:
    """Each variable's name without the prefix of a module, and its name in the checkpoint.

    TensorFlow Hub puts "module/" in front of what a module brought; other programs put their own.
    """
    every = sorted(names)
    anchors = [name for name in every if f"/{name}".endswith(f"/{_ANCHOR}")]
    prefix = anchors[0].removesuffix(_ANCHOR) if len(anchors) == 1 else ""
    plain = {name: name for name in every if not (prefix and name.startswith(prefix))}
    for name in every:
        if prefix and name.startswith(prefix):
            short = name.removeprefix(prefix)
            plain[name if short in plain else short] = name
    return plain


def why_skipped(name: str, names: Mapping[str, str]) -> str | None:
    """Why a variable is no part of a model: an optimiser's, or a counter; None for all others."""
    variable, _, last = name.rpartition("/")
    if last in _COUNTERS:
        return "a counter of the training"
    if last in _SLOTS and variable in names:
        return "the optimiser's"
    return None


def is_object_based(names: Iterable[str]) -> bool:
    """Whether names are those of tf.train.Checkpoint and Keras, which tell nothing of the model."""
    return any(re.search(r"/\.ATTRIBUTES/", name) for name in names)
