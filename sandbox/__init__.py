"""STAND-INS: HTTP servers and a source that behave like the real ones."""
