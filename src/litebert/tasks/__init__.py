"""Tasks: labelled tables, fine-tuning, evaluation, prediction."""

from litebert.tasks import metrics as metrics
