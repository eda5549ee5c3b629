"""The interactive explorer: `python app.py --checkpoint checkpoints/voc`. All options: `python app.py --help`."""

import logging
import sys

import tyro

from app.cli import AppConfig
from crt.errors import CrtError, reason_of


def main() -> int:
    """Parse, build, launch; 2 if the checkpoint, an option or the port cannot be used."""
    # Gradio and PyTorch are slow to import, and --help needs neither.
    config = tyro.cli(AppConfig, description=__doc__)
    from app.page import build, launch_options  # noqa: PLC0415
    from app.server.memory import limit_arenas  # noqa: PLC0415

    limit_arenas()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("httpx", "fontTools"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        demo = build(config)
    except CrtError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        demo.launch(**launch_options(config))
    except OSError as error:  # the port is taken
        print(f"The page cannot be served: {reason_of(error)}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
