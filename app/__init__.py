"""The interactive explorer: a Gradio page over `crt`. No arithmetic of the method lives here."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read by Gradio when it is imported
