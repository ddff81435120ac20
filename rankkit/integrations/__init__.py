"""Ways in from other tools' files."""
