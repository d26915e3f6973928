"""litebert import google: a TensorFlow checkpoint into a model folder, without TensorFlow."""

from pathlib import Path

from litebert.cli.imports import print_import
from litebert.encoder.models import Head
from litebert.weights.google import import_google


def google(
    source: Path,
    output: Path,
    /,
    *,
    config: str | None = None,
    vocabulary: Path | None = None,
    head: Head | None = None,
    allow_missing_heads: bool = False,
    cased: bool = False,
) -> None:
    """Make a model folder of a TensorFlow checkpoint of ALBERT or BERT.

    Args:
        source: A checkpoint's folder or prefix, the published .tar.gz, or a TensorFlow Hub module.
        output: Model folder to write; a model folder that is there is replaced.
        config: Configuration file or preset; by default albert_config.json or bert_config.json
            beside the checkpoint.
        vocabulary: SentencePiece model or vocab.txt; by default the one beside the checkpoint.
        head: The head that is wanted, others are skipped; by default the one that is there. One
            output is a classifier's unless it is called a choice.
        allow_missing_heads: Import what is there where pretraining's heads or the pooler are not.
        cased: The model sees text in its own case, as BERT's cased ones (do_lower_case=False).
    """
    made = import_google(source, output, config, vocabulary, head, allow_missing_heads, cased)
    print_import(made)
