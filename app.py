"""The interactive explorer: `python app.py --checkpoint checkpoints/voc`. All options: `python app.py --help`."""

import logging
import sys

import tyro

from app.cli import AppConfig
from app.server.memory import limit_arenas
from crt.errors import CrtError, InvalidSetting, reason_of
from crt.usage import WRONG_USAGE, parsed


def main() -> int:
    """Parse, build, launch -> the exit code: 0 done, 1 failed, 2 for an option that cannot be read."""
    limit_arenas()
    try:
        config = parsed(lambda: tyro.cli(AppConfig, description=__doc__))
    except InvalidSetting as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    # Gradio and PyTorch are slow to import, and --help needs neither.
    from app.page import build, launch_options  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("httpx", "fontTools"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        demo = build(config)
    except CrtError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE if isinstance(error, InvalidSetting) else 1
    try:
        demo.launch(**launch_options(config))
    except OSError as error:  # the port is taken
        print(f"error: The page cannot be served: {reason_of(error)}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
