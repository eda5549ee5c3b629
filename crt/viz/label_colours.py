"""Colours of masks over images."""

from __future__ import annotations

_LABELS = "9f0162 009f81 ff5aaf 00fccf 8400cd 008df9 00c2f9 ffb2fd a40122 e20134 ff6e3a ffc33b"
LABEL_COLOURS: tuple[tuple[int, int, int], ...] = tuple((r, g, b) for r, g, b in map(bytes.fromhex, _LABELS.split()))
"""RGB of masks over images: Martin Krzywinski's 12 colours that differ with colour vision deficiencies too
(mk.bcgsc.ca/colorblind). The page chooses among them: app/viewer/masks/mask_colors.mjs."""
