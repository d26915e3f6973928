"""The model card of a fine-tuned model: what it does, how well, and how to use it."""

from litebert.tasks.kind import Evaluation
from litebert.tasks.kinds import kind_of
from litebert.tasks.task import Task


def model_card(name: str, start: str, rows: int, task: Task, evaluation: Evaluation) -> str:
    """The `README.md` of a model folder, in Markdown.

    `start` says what it was fine-tuned from, `rows` on how many training rows.
    """
    words = kind_of(task).card(task)
    dataset = f" of {task.dataset}" if task.dataset else ""
    lengths = words.lengths or f"Rows longer than {task.max_length} tokens are cut."
    loads = f"\nThe folder also loads in transformers with `{words.transformers}`.\n"
    return f"""---
library_name: litebert
pipeline_tag: {words.pipeline_tag}
---

# {name}

{words.what}

Fine-tuned with litebert from {start} on {rows:,} rows{dataset}. {lengths}

## Scores on {evaluation.examples:,} validation rows

{evaluation.findings().card}

## Use

```python
import litebert

predictor = litebert.load_predictor("path/to/this/folder")
print(predictor.predict([{words.row}]))
```
{loads if words.transformers else ""}"""
