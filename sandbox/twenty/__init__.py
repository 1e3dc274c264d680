"""A stand-in for a Twenty 2.21 server: strict, recorded behaviour only; `python -m sandbox.twenty` starts it.

What no recording and no reference page shows is refused with HTTP 501 and the name of the missing capability."""
