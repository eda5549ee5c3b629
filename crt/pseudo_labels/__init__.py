"""From seeds to masks: dense CRF, confident labels, relations of pairs, random walk (METHOD section 8)."""
