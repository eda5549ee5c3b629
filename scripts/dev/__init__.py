"""Tools of those who work on this repository."""
