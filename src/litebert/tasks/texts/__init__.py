"""Kinds of task whose examples are a text or a pair of texts: a label, or a number."""
