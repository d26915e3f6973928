"""The kinds of task that answer a question with a span of its context."""
