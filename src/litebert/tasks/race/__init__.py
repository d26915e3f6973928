"""RACE, in its official files."""
