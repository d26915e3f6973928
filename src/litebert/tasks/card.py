"""The model card of a fine-tuned model: what it does, how well, and how to use it."""

from litebert.tasks.evaluation import Evaluation
from litebert.tasks.task import Task

_SHOWN_LABELS = 50


def model_card(name: str, start: str, rows: int, task: Task, evaluation: Evaluation) -> str:
    """The `README.md` of a model folder, in Markdown.

    `start` says what it was fine-tuned from, `rows` on how many training rows.
    """
    scores = evaluation.scores
    labels = [f"`{_cell(label)}`" for label in task.labels[:_SHOWN_LABELS]]
    more = len(task.labels) - len(labels)
    listed = ", ".join(labels) + (f" and {more} more" if more > 0 else "")
    columns = f"`{task.text_column}`" + (f" and `{task.pair_column}`" if task.pair_column else "")
    row = '("a text", "a second text")' if task.pair_column else '"a text"'
    table = "\n".join(
        f"| {_cell(c.label)} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | {c.support} |"
        for c in scores.classes
    )
    return f"""---
library_name: litebert
pipeline_tag: text-classification
---

# {name}

Classifies {"pairs of texts" if task.pair_column else "texts"} (columns {columns}) into \
{len(task.labels)} labels: {listed}.

Fine-tuned with litebert from {start} on {rows:,} rows. Rows longer than {task.max_length} tokens \
are cut.

## Scores on {scores.examples:,} validation rows

Accuracy {scores.accuracy:.4f}, macro-F1 {scores.macro_f1:.4f}; always naming the commonest label \
gives {evaluation.majority_accuracy:.4f}. The checkpoint was chosen on these rows, so expect \
somewhat less on new ones.

| label | precision | recall | F1 | rows |
|---|---|---|---|---|
{table}

## Use

```python
import litebert

predictor = litebert.load_predictor("path/to/this/folder")
print(predictor.predict([{row}]))
```

The folder also loads in transformers with `AutoModelForSequenceClassification`.
"""


def _cell(label: str) -> str:
    """A label inside a Markdown table: on one line, its bars escaped."""
    return " ".join(label.split()).replace("|", "\\|")
