"""The tasks of GLUE, in their official files."""
