"""What the networks attend to: single tokens, rollout, agreement of two branches, other explainers."""
