"""The kind of task that chooses an option, each read with an article and a question."""
