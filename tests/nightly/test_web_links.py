"""The links of the documentation that lead to other machines are answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.docs.test_links import FILES, web_links
from tests.helpers.missing import missing

pytestmark = pytest.mark.nightly
SECONDS = 60.0
ALIVE = (401, 403, 405, 429)
"""Answers of a page that is there and lets no program in."""
LINKS = sorted({link for path in FILES for link in web_links(path.read_text(encoding="utf-8"))})


def status(link: str) -> int:
    """The code of the answer. Raises URLError where there is none."""
    try:
        with urlopen(Request(link, headers={"User-Agent": "Mozilla/5.0"}), timeout=SECONDS) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


@pytest.fixture(scope="session")
def _network() -> None:
    try:
        socket.getaddrinfo("arxiv.org", 443)
    except OSError:
        missing("There is no network here.")


@pytest.mark.usefixtures("_network")
@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_another_machine_is_answered(link: str) -> None:
    found = status(link)
    assert found < 400 or found in ALIVE, f"{link}: {found}"


class Handler(BaseHTTPRequestHandler):
    """Answers `/200` with the status 200, and so on; `/302` leads to `/404`."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        if self.path == "/302":
            self.send_header("Location", "/404")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("path", "found"), [("/200", 200), ("/404", 404), ("/302", 404), ("/403", 403)])
def test_the_status_is_that_of_the_page_it_leads_to(address: str, path: str, found: int) -> None:
    assert status(f"{address}{path}") == found
