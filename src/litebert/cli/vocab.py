"""litebert vocab: train a vocabulary on text files."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from litebert.cli.facts import print_facts
from litebert.corpus.documents import ReaderSettings, find_inputs, read_documents
from litebert.foundation.progress import Progress
from litebert.text.normalise import Normalisation
from litebert.text.vocabulary import VocabularyReport, VocabularySettings, train_vocabulary

_SETTINGS = VocabularySettings()
_NORMALISATION = Normalisation()
_TEXT_FIELD = ReaderSettings().text_field

app = App(
    name="vocab",
    help="Vocabularies: SentencePiece models with the original's settings.",
)


@app.command
def train(
    *inputs: Path,
    output: Path,
    settings: Annotated[VocabularySettings, Parameter(name="*", group="Vocabulary")] = _SETTINGS,
    normalisation: Annotated[
        Normalisation,
        Parameter(name="*", group="Normalisation", negative_bool="no-", negative=None),
    ] = _NORMALISATION,
    text_field: str = _TEXT_FIELD,
) -> None:
    """Train a vocabulary on text and write its folder.

    Args:
        inputs: Text to read: files (.txt, .jsonl, .parquet, also .gz, .xz, .zst), folders, globs.
        output: Vocabulary folder to write.
        text_field: Field of .jsonl or column of .parquet with the text.
    """
    size = sum(path.stat().st_size for path in find_inputs(inputs))
    progress = Progress("Reading text", size, "bytes")
    documents = read_documents(inputs, ReaderSettings(text_field=text_field), progress.advance)
    texts = (line for document in documents for line in document.lines)
    _print_report(train_vocabulary(texts, output, settings, normalisation, progress))


def _print_report(report: VocabularyReport) -> None:
    print_facts(
        {
            "vocabulary": str(report.folder),
            "pieces": f"{report.vocab_size:,}",
            "text": f"{report.characters:,} characters in {report.sentences:,} lines",
            "trained on": f"{report.sampled:,} lines",
            "characters a token": f"{report.characters_per_token:.2f}",
            "unknown tokens": f"{report.unknown_share:.3%}",
        }
    )
