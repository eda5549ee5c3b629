"""The simulated users of a load test: what they send, until when, and the tally of their results."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from crt.errors import InvalidSetting
from scripts.chromium import chromium
from scripts.loadtest.browser_user import BrowserUser
from scripts.loadtest.server import Server

ENDPOINTS = {"/masks": 5, "/cams": 3, "/predict": 2}
"""How often each is used, relative to the others."""
SIZES = ("224", "336", "448")
BROWSER = "a page in chromium"
BUSY = ("queue is full", "is busy", "currently busy", "rate limit reached")
"""Parts, in small letters, of the messages of a page or Gradio that refuse a request for now."""
LOST = ("connection", "failed to fetch", "no longer", "navigation", "destroyed")
"""Parts, in small letters, of the messages of a page or its browser after the server has been away."""


@dataclass(frozen=True)
class Load:
    """How many, and for how long."""

    users: int = 30
    """Users at the same time."""
    minutes: float = 5.0
    """Minutes that they use a page."""
    images: int = 12
    """Different images, which all users share; a request for what was asked of an image before is answered sooner."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    cache_mb: int = 256
    """Memory for Predictions of all sessions together, in megabytes."""
    queue_size: int = 24
    """Requests that may wait; one more is answered that the app is busy."""
    thought: float = 2.0
    """Seconds between a user's requests, on average."""
    browser: bool = True
    """Whether one more user reads the page in chromium."""
    restart: bool = False
    """End the server half way through and start it again."""
    seed: int = 0
    """Of the images and of what the users choose."""
    against: Path | None = None
    """A folder with another version of this program, whose page is loaded in turns with this one."""
    rounds: int = 1
    """Turns of each."""
    json: Path | None = None
    """Write the result here."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise InvalidSetting("Give at least one round.")
        if self.users < 1 or self.images < 1 or self.minutes <= 0 or self.thought < 0:
            raise InvalidSetting("Give at least one user, one image and some time.")


@dataclass
class Tally:
    """The answers to all users. `seconds`: of all answers, by endpoint; `errors`: messages, and how many."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*ENDPOINTS, BROWSER)})
    busy: int = 0
    lost: int = 0
    recovered: int = 0
    errors: Counter[str] = field(default_factory=Counter)


@dataclass
class Deadline:
    """When all users stop. `at`: seconds of the monotonic clock."""

    at: float

    @property
    def passed(self) -> bool:
        """Whether they stop."""
        return time.monotonic() >= self.at

    def call_off(self) -> None:
        """Let them stop now."""
        self.at = 0.0


def use(
    config: Load, server: Server, images: list[str], number: int, until: Deadline, tally: Tally, lock: threading.Lock
) -> None:
    """One user, until the time is up."""
    from gradio_client import Client, handle_file

    chance = random.Random(config.seed * 1000 + number)  # noqa: S311 - a simulated user's choices, no secret
    client: Client | None = None
    was_lost = False
    while not until.passed:
        time.sleep(chance.expovariate(1 / config.thought) if config.thought else 0)
        endpoint = chance.choices(list(ENDPOINTS), list(ENDPOINTS.values()))[0]
        began = time.monotonic()
        try:
            client = client or Client(server.url, verbose=False)
            client.predict(handle_file(chance.choice(images)), size=chance.choice(SIZES), api_name=endpoint)
        except Exception as error:  # noqa: BLE001 - what went wrong is what is counted
            sentence = " ".join(str(error).split())[:200] or type(error).__name__
            with lock:
                if is_busy(sentence):
                    tally.busy += 1
                elif client is None or _is_connection(error):
                    tally.lost += 1
                    client, was_lost = None, True
                else:
                    tally.errors[sentence] += 1
            continue
        with lock:
            tally.seconds[endpoint].append(time.monotonic() - began)
            tally.recovered += was_lost
        was_lost = False


def browse(
    config: Load, server: Server, images: list[str], until: Deadline, tally: Tally, lock: threading.Lock
) -> None:
    """The user in a browser, until the time is up. Raises InvalidSetting without chromium or playwright."""
    if not config.browser:
        return
    with chromium() as browser:
        user = BrowserUser(browser.new_page(), server.url, images, SIZES, config.seed)
        was_lost = False
        while not until.passed:
            time.sleep(user.chance.expovariate(1 / config.thought) if config.thought else 0)
            found = user.send()
            message = found.message.lower()
            with lock:
                if not message:
                    tally.seconds[BROWSER].append(found.seconds)
                    tally.recovered += was_lost
                    was_lost = False
                elif is_busy(message):
                    tally.busy += 1
                elif any(word in message for word in LOST):
                    tally.lost += 1
                    was_lost = True
                else:
                    tally.errors[found.message[:200]] += 1
        tally.errors.update(f"in the page: {fault[:150]}" for fault in user.faults)


def is_busy(message: str) -> bool:
    """Whether a message refuses a request for now."""
    return any(word in message.lower() for word in BUSY)


def _is_connection(error: BaseException | None) -> bool:
    """Whether it is about the way to the server, itself or by its cause; a client whose stream ends cancels its job."""
    while error is not None:
        if isinstance(error, OSError | CancelledError) or type(error).__module__.split(".")[0] in (
            "httpx",
            "httpcore",
            "httpx2",
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def write_images(folder: Path, seed: int, count: int) -> list[str]:
    """Photographs of noise, of usual sizes."""
    rng, paths = np.random.default_rng(seed), []
    for index in range(count):
        height, width = ((375, 500), (500, 375), (600, 900))[index % 3]
        small = Image.fromarray(rng.integers(0, 256, (9, 12, 3)).astype(np.uint8))
        path = folder / f"{index}.jpg"
        small.resize((width, height), Image.Resampling.BICUBIC).save(path, quality=85)
        paths.append(str(path))
    return paths
