"""How the viewer's modules reach the browser: behind proxies and a password; and the message if they do not."""

import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

import pytest
from playwright.sync_api import expect

from app.cli import AppConfig
from app.page import build, launch_options
from app.server.hosting import USER
from app.viewer.files import ROUTE, modules, page_modules, served, version
from tests.browser.driver import PATIENCE, open_tab, upload
from tests.helpers.narrow import present

PREFIX = "/demo/crt"
UNOFFERED = ("monitoring/summary", "gradio_api/mcp/schema")
"""What the description of the endpoints does without."""
MOUNTED = ".crt-viewer[data-tab]"


@pytest.fixture(scope="module")
def port(checkpoint):
    """The port of a page that stands under `PREFIX` and has a password."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        config = AppConfig(checkpoint=checkpoint, host="127.0.0.1", password="secret")
        demo = build(config)
        demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(config))
    yield demo.server_port  # other servers of this process have no prefix
    demo.close()


@pytest.fixture(params=["keeps", "strips"])
def proxied(request, port):
    """The address of the page behind a proxy that keeps the prefix, or strips it."""
    cut = 0 if request.param == "keeps" else len(PREFIX)

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            length = int(self.headers.get("Content-Length", 0))
            passed = urllib.request.Request(
                f"http://127.0.0.1:{port}{self.path[cut:]}",
                data=self.rfile.read(length) or None,
                method=self.command,
                headers=dict(self.headers) | {"Accept-Encoding": "identity", "X-Forwarded-Host": self.headers["Host"]},
            )
            try:
                answer = urllib.request.urlopen(passed, timeout=60)
            except HTTPError as error:
                answer = error
            body = answer.read()
            self.send_response(present(answer.status))
            for name, value in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, format, *args):
            """Nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}{PREFIX}/"
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.parametrize("refused", [("/favicon.ico",)])  # which lies outside the prefix
def test_the_viewer_is_loaded_behind_a_proxy_and_a_password(proxied, browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(proxied[:-1])))
    page.goto(proxied)
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill("secret")
    assert not page.locator(".crt-viewer").count()
    page.get_by_role("button", name="Login").click()
    page.wait_for_selector(MOUNTED)
    assert {f"{ROUTE}/{version()}/{name}" for name in page_modules()} <= set(asked)
    context.close()


def test_modules_are_fetched_once_and_kept(server, browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(server)
    page.wait_for_selector(MOUNTED)
    page.reload()
    page.wait_for_selector(MOUNTED)
    entries = "() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.mjs'))"
    sizes = page.evaluate(f"({entries})().map((one) => one.transferSize)")
    assert len(sizes) >= len(page_modules()) and not any(sizes)
    context.close()


@pytest.mark.parametrize("refused", [("/layers.mjs",)])
def test_the_modules_of_a_tab_are_fetched_when_it_is_opened(server, browser, image):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.partition(f"{ROUTE}/{version()}/")[2]))
    page.goto(server)
    upload(page, image)
    later = {name for name in modules() if not name.startswith(("gallery/", "standalone/"))} - set(page_modules())
    assert set(page_modules()) <= asked and later & asked <= {"faithfulness/faithfulness.mjs"}  # by the first maps
    open_tab(page, "Masks")
    assert "masks/masks.mjs" in asked and "ablation/ablation.mjs" not in asked
    page.route("**/attention/layers.mjs", lambda route: route.abort())
    page.get_by_role("tab", name="Layers").click()
    failure = page.get_by_role("alert").filter(has_text="A part of the page could not be loaded")
    expect(failure).to_be_visible()
    open_tab(page, "Masks")
    expect(page.locator('[data-role="walk-note"]')).to_contain_text("ms")  # what succeeds meanwhile leaves the failure
    expect(failure).to_be_visible()
    page.unroute("**/attention/layers.mjs")
    failure.get_by_role("button", name="Try again").click()
    expect(failure).to_be_hidden()
    open_tab(page, "Layers")
    expect(page.get_by_role("grid")).to_be_visible()
    context.close()


def test_an_error_names_its_file_and_line(server, browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(server)
    page.wait_for_selector(MOUNTED)
    address = next(path for path in served() if path.endswith("/zoom.mjs"))
    stack = page.evaluate("(url) => import(url).then(({ tidy }) => tidy(null)).catch((error) => error.stack)", address)
    assert f"{address}:" in stack
    context.close()


@pytest.mark.parametrize("refused", [("/zoom.mjs", "/main.mjs")])
def test_a_module_that_does_not_arrive_is_reported(server, browser):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.route("**/zoom.mjs", lambda route: route.abort())
    page.goto(server)
    page.get_by_role("alert").get_by_text("The viewer could not be loaded: reload the page.").wait_for()
    context.close()


@pytest.mark.parametrize("refused", [UNOFFERED])
def test_the_page_requests_nothing_that_is_closed(server, browser, image):
    """Also the description of the endpoints, an upload with its progress, and the settings of the page."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    turned_down: set[str] = set()
    asked: set[str] = set()
    page.on("response", lambda one: turned_down.add(one.url.removeprefix(server)) if one.status >= 400 else None)
    page.on("request", lambda request: asked.add(request.url.removeprefix(server).partition("?")[0]))
    page.goto(server)
    upload(page, image)
    with page.expect_response("**/gradio_api/info*"):
        page.get_by_role("button", name="Use via API").click()
    page.get_by_role("heading", name="/masks").first.wait_for()
    page.goto(f"{server}?view=settings")
    page.wait_for_selector(MOUNTED)
    assert {"gradio_api/upload", "gradio_api/upload_progress", "gradio_api/info", "gradio_api/queue/join"} <= asked
    assert turned_down <= set(UNOFFERED)
    context.close()


def test_a_login_holds_inside_another_site(checkpoint, serve, browser):
    """Localhost is another site than 127.0.0.1, and https is not needed on this machine."""
    with serve(AppConfig(checkpoint=checkpoint, host="127.0.0.1", password="secret")) as inner:
        frame = f'<!doctype html><title>Other</title><iframe src="{inner}" width="1200" height="800"></iframe>'

        class Other(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(frame.encode())

            def log_message(self, format, *args):
                """Nothing."""

        other = ThreadingHTTPServer(("127.0.0.1", 0), Other)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"http://localhost:{other.server_port}/")
        form = page.frame_locator("iframe")
        expect(form.get_by_text("open the page in a tab of its own")).to_be_visible()
        form.get_by_label("Username").fill(USER)
        form.get_by_label("Password").fill("secret")
        form.get_by_role("button", name="Login").click()
        form.locator(MOUNTED).wait_for()
        context.close()
        other.shutdown()
        other.server_close()
