"""litebert import huggingface: a folder of transformers' into a model folder."""

from pathlib import Path

from litebert.cli.imports import print_import
from litebert.weights.huggingface import import_huggingface


def huggingface(
    source: Path,
    output: Path,
    /,
    *,
    vocabulary: Path | None = None,
    hidden_act: str | None = None,
    allow_missing_heads: bool = False,
    allow_pickle: bool = False,
) -> None:
    """Make a model folder of a Hugging Face folder of ALBERT or BERT.

    Args:
        source: Folder with config.json and safetensors, as transformers saves it.
        output: Model folder to write; a model folder that is there is replaced.
        vocabulary: Tokenizer's folder or file; by default the one beside the weights.
        hidden_act: Activation instead of the one in config.json, in transformers' words: gelu_new
            is the tanh approximation that Google's models were trained with, gelu the exact one.
        allow_missing_heads: Import what is there where the pooler or a head is not.
        allow_pickle: Read pytorch_model.bin where there are no safetensors: tensors alone, in a
            process of its own.
    """
    made = import_huggingface(
        source,
        output,
        vocabulary=vocabulary,
        hidden_act=hidden_act,
        allow_missing_heads=allow_missing_heads,
        allow_pickle=allow_pickle,
    )
    print_import(made)
