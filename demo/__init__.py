"""REHEARSAL: the scenario of make demo."""
