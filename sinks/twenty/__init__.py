"""The adapter for a Twenty server (contract measured on 2.21.0: `twenty.md` of the reference)."""

from __future__ import annotations

from sinks.twenty.adapter import TwentySink, open
from sinks.twenty.settings import Settings

__all__ = ["Settings", "TwentySink", "open"]
