"""litebert corpus: build, inspect and verify corpus folders."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from litebert.cli.facts import print_facts
from litebert.corpus.build import build_corpus
from litebert.corpus.documents import ReaderSettings
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.overview import Overview, overview
from litebert.corpus.shards import Corpus
from litebert.foundation.processors import usable_cpus
from litebert.text.subwords import SubwordSettings
from litebert.text.tokenizer import Tokenizer

_READING = ReaderSettings()
_INSTANCES = InstanceSettings()
_SUBWORDS = SubwordSettings()

app = App(name="corpus", help="Corpus folders: text, tokenised once, that pretraining draws from.")


@app.command
def build(
    *inputs: Path,
    output: Path,
    vocabulary: Path,
    workers: int | None = None,
    reading: Annotated[ReaderSettings, Parameter(name="*", group="Reading")] = _READING,
    subwords: Annotated[SubwordSettings, Parameter(name="*", group="Subword sampling")] = _SUBWORDS,
) -> None:
    """Tokenise text and write a corpus folder.

    Args:
        inputs: Text to read: files (.txt, .jsonl, .parquet, also .gz, .xz, .zst), folders, globs.
        output: Corpus folder to write.
        vocabulary: Vocabulary or model folder, spiece.model or vocab.txt to tokenise with.
        workers: Processes that tokenise; by default one a core. The result does not depend on it.
    """
    tokenizer = Tokenizer.load(vocabulary)
    workers = usable_cpus() if workers is None else workers
    summary = build_corpus(inputs, tokenizer, output, reading, workers, subwords=subwords)
    counts = summary.counts
    facts = {
        "corpus": str(summary.folder),
        "documents": f"{counts.documents:,} from {summary.files:,} files",
        "sentences": f"{counts.sentences:,}",
        "tokens": f"{counts.tokens:,}",
        "characters a token": f"{counts.characters / counts.tokens:.2f}",
    }
    if counts.empty_documents:
        facts["left out"] = f"{counts.empty_documents:,} documents without any token"
    if subwords.sampled_epochs:
        facts["tokens"] += f"; cut anew, epochs: {subwords.sampled_epochs}"
    print_facts(facts)


@app.command
def inspect(
    folder: Path,
    /,
    *,
    seed: int = 0,
    instances: Annotated[InstanceSettings, Parameter(name="*", group="Instances")] = _INSTANCES,
) -> None:
    """Show what a corpus folder holds, and one instance as pretraining would see it.

    Args:
        folder: Corpus folder.
        seed: Seed of the instances shown.
    """
    _print_overview(overview(Corpus.open(folder), instances, seed))


@app.command
def verify(folder: Path, /) -> None:
    """Check every byte of a corpus folder.

    Args:
        folder: Corpus folder.
    """
    corpus = Corpus.open(folder)
    corpus.verify()
    Console().print(f"{folder} is whole: {corpus.tokens:,} tokens", highlight=False, soft_wrap=True)


def _print_overview(seen: Overview) -> None:
    print_facts(
        {
            "documents": f"{seen.documents:,} of {seen.tokens_a_document:,.0f} tokens",
            "sentences": f"{seen.sentences:,} of {seen.tokens_a_sentence:.1f} tokens",
            "tokens": f"{seen.tokens:,}"
            + (f"; cut anew, epochs: {seen.sampled_epochs}" if seen.sampled_epochs else ""),
            "unknown tokens": f"{seen.unknown_share:.2%} (of a sample)",
            "left out": f"{seen.empty_documents:,} empty, {seen.skipped:,} too short",
            "instances an epoch": f"{seen.instances:,} of {seen.mean_length:.1f} tokens",
            "masked": f"{seen.masked_share:.2%} of tokens",
        }
    )
    console = Console()
    console.print("\nTokens a sentence", highlight=False)
    bars = Table(show_header=False, box=None, pad_edge=False)
    widest = max(part.share for part in seen.histogram)
    for part in seen.histogram:
        limits = f"{part.low} or more" if part.high is None else f"{part.low} to {part.high}"
        bar = "█" * round(30 * part.share / widest)
        bars.add_row(limits, f"{part.sentences:,}", f"{part.share:.1%}", bar)
    console.print(bars)
    console.print("\nAn instance; {seen→to be predicted}", highlight=False)
    console.print(seen.sample, markup=False, highlight=False)
