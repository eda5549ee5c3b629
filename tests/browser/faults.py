"""A queue that fails on purpose: what a browser test puts between a page and its server."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, Request, Route

from tests.browser.driver import PATIENCE, settle

JOIN, DATA = "**/gradio_api/queue/join*", "**/gradio_api/queue/data*"
LIMIT = "Rate limit reached; try again in 7 s."
BUSY = "The server is busy: try again in a minute."
NO_CONNECTION = "No connection to the server: check the network and try again."
UNREADABLE = "Invalid request. Reload the page"
NO_ANSWER = "The server has not answered"
KINDS = {"limit": LIMIT, "full": BUSY, "connection": NO_CONNECTION, "error": UNREADABLE, "silence": NO_ANSWER}
"""Ways to fail, and how the sentence about each begins."""
FOREIGN = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
"""A file that was not uploaded: the server refuses an event with one."""
LONG_MS = 2_000_000  # longer than every timeout of the page
OBSERVE = """() => {
  const plain = window.fetch, events = new Map(), ended = new Set(), joining = new Set();
  let underWay = 0;
  window.nothingIsAwaited = () => !underWay && !events.size;
  window.awaited = () => events.size;
  const read = async (stream) => {
    let rest = '';
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\\n');
      rest = lines.pop();
      for (const line of lines.filter((one) => one.startsWith('data:'))) {
        const { msg, event_id } = JSON.parse(line.slice(5));
        if (msg === 'process_completed') {
          ended.add(event_id); // the answer to its joining may come later
          events.delete(event_id);
        }
        window.hasPart ||= msg === 'process_generating';
      }
    }
  };
  window.fetch = async (input, options) => {
    const url = String(input?.url ?? input);
    underWay++;
    const number = () => JSON.parse(options.body).fn_index;
    const join = url.includes('/queue/join') && { number: number(), cancelled: false };
    if (join) joining.add(join);
    try {
      const answer = await plain(input, options);
      if (url.includes('/queue/data')) {
        const [theirs, ours] = answer.body.tee();
        read(ours).catch(() => events.clear()); // what a broken stream has not brought will not come
        return new Response(theirs, answer);
      }
      const text = await answer.clone().text();
      if (answer.ok && join && !join.cancelled) {
        const { event_id } = JSON.parse(text);
        if (!ended.has(event_id)) events.set(event_id, join.number);
      }
      if (answer.ok && url.endsWith('/cancel')) { // it ends all events of a function, without a message
        for (const [id, of] of events) if (of === number()) events.delete(id);
        for (const one of joining) one.cancelled ||= one.number === number();
      }
      return answer;
    } finally {
      joining.delete(join);
      underWay--;
    }
  };
}"""
"""Lets the page know whether the server still owes it an answer or the end of an event, and whether a part has come."""


class Queue:
    """Between a page and its queue: lets events of one name fail once, or holds them back."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.joined: list[str] = []  # names of the events that the page has sent, "" for those of other components
        self._fault: tuple[str, str] | None = None
        self._held: tuple[str, list[Route]] | None = None
        self._breaks = False  # whether the next stream cannot be opened
        self._streams: list[Route] | None = None
        config = page.evaluate(
            "window.gradio_config.dependencies.map(({ id, targets }) => [id, targets[0]?.[1] ?? ''])"
        )
        self._names = dict(config)
        page.evaluate(OBSERVE)
        page.route(JOIN, self._join)
        page.route(DATA, self._data)

    def count(self, event: str) -> int:
        """How often the page has sent the event."""
        return self.joined.count(event)

    def wait_for(self, event: str) -> None:
        """Wait until the page has sent the event, as long as `expect` waits."""
        until = time.monotonic() + PATIENCE / 1000
        while not self.count(event):
            assert time.monotonic() < until, f"{event or 'an event of another component'} was not sent"
            self.page.wait_for_timeout(50)

    def wait_for_answers(self) -> None:
        """Wait until all that the page has sent since this object was made is answered, and the answers are drawn."""
        for _ in range(2):  # what comes may make the page send more
            self.page.wait_for_function("nothingIsAwaited()")
            settle(self.page)

    def wait_for_part(self) -> None:
        """Wait until a part of an answer has come since this object was made, and what came of it is drawn."""
        self.page.wait_for_function("window.hasPart")
        settle(self.page)

    def fail(self, event: str, kind: str) -> None:
        """Let the next event of that name fail in one of `KINDS`, or its stream of messages break (`stream`)."""
        self._fault = event, kind

    def pass_time(self, place: Locator, sentence: str) -> None:
        """Let the page's clock pass its timeouts, also one that it sets meanwhile, until the sentence is in a place."""
        until = time.monotonic() + PATIENCE / 1000
        while sentence not in (place.text_content() or "") and time.monotonic() < until:
            self.page.clock.fast_forward(LONG_MS)
            self.page.wait_for_timeout(50)

    def keep_streams(self) -> None:
        """Let the streams that the page opens stay silent until `end_streams`."""
        self._streams = []

    def wait_for_queued(self, count: int) -> None:
        """Wait until so many events of the page are in the queue."""
        self.page.wait_for_function("(count) => awaited() >= count", arg=count)

    def end_streams(self) -> None:
        """Let the streams that were kept silent break."""
        streams, self._streams = self._streams or [], None
        for stream in streams:
            stream.abort()

    @contextmanager
    def hold(self, event: str) -> Iterator[None]:
        """Events of that name reach the server only after this block."""
        self._held = event, []
        yield
        routes = self._held[1]
        self._held = None
        for route in routes:
            route.continue_()

    def _join(self, route: Route, request: Request) -> None:
        body = json.loads(request.post_data or "{}")
        event = self._names.get(body.get("fn_index"), "") if (body.get("event_data") or {}).get("request") else ""
        self.joined.append(event)
        if self._held and self._held[0] == event:
            self._held[1].append(route)
            return
        if self._fault is None or self._fault[0] != event:
            route.continue_()
            return
        kind = self._fault[1]
        self._fault = None
        if kind == "stream":
            self._breaks = True
            route.continue_()
        elif kind == "limit":
            route.fulfill(status=429, json={"detail": LIMIT})
        elif kind == "full":
            route.fulfill(status=503, json={"detail": "Queue is full. Max size is 1 and size is 1."})
        elif kind == "connection":
            route.abort("connectionfailed")
        elif kind == "error":
            body["event_data"] = {**(body.get("event_data") or {}), "file": FOREIGN}
            route.continue_(post_data=json.dumps(body))
        else:  # the queue takes it, and nothing more is heard
            self._streams = []
            route.fulfill(json={"event_id": "unknown"})

    def _data(self, route: Route) -> None:
        if self._breaks:
            self._breaks = False
            route.abort("connectionreset")
        elif self._streams is not None:
            self._streams.append(route)
        else:
            route.continue_()
