"""LINE: Faust lives only here."""
