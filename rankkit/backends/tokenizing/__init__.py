"""Texts into the arrays that an encoder takes, with what was shortened counted."""
