"""OPERATOR: one verb per file."""
