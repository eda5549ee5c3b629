"""CRT: class activation maps of a CNN and a vision transformer, refined by attention, as a library."""
