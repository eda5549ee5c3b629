"""What this app assumes of Gradio, one test each, and that `app.gradio_compat` alone assumes it."""

import ast
import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from app import gradio_compat as compat
from app.theme import theme
from app.viewer import Viewer
from tests.helpers import http_client
from tests.helpers.until import until

ROOT = Path(__file__).parents[2]
SECRET = "/etc/hostname"
ANSWER, OPEN = 0, 1
"""The functions of the page below, by their numbers."""


class Refusing(compat.HookedBlocks):
    """Notes what its hooks are given; refuses the value "never"."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seen: list = []

    def check_values(self, values):
        self.seen.append(values)
        if "never" in values:
            raise gr.Error("refused by check_values", print_exception=False)

    def request_error(self, error):
        return gr.Error(f"request_error {type(error).__name__}", print_exception=False)

    def server_error(self, error):
        return gr.Error(f"server_error {type(error).__name__}", print_exception=False)


class Noting:
    """ASGI middleware that notes the paths it sees, and the errors that leave a route."""

    def __init__(self, app, noted):
        self.app, self.noted = app, noted

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.noted.append(scope["path"])
        try:
            await self.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.noted.append(type(error))
            await JSONResponse({"error": type(error).__name__}, 418)(scope, receive, send)


@pytest.fixture(scope="module")
def running():
    """A page of one field that fails on demand -> its Blocks, its address and what the middleware noted."""
    noted: list = []
    with Refusing() as demo:
        field, file, out = gr.Textbox(), gr.File(), gr.Textbox()

        def answer(text, event: gr.EventData):
            if text == "break":
                raise ZeroDivisionError
            return json.dumps(compat.event_details(event))

        field.submit(answer, [field], out, api_name="answer")
        file.upload(lambda path: path, file, out, api_name="open")
    own = Route("/config", lambda request: JSONResponse({"same": compat.blocks_of(request) is demo}))
    options = {"routes": [own], "middleware": [Middleware(Noting, noted=noted)]}
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, app_kwargs=options, server_name="127.0.0.1")
    yield demo, url, noted
    demo.close()


def asked(url: str, number: int, values: list, **further) -> dict:
    """The answer of the function of this number to a request in the queue."""
    body = {"data": values, "fn_index": number, "session_hash": "s", **further}
    assert http_client.post(f"{url}{compat.QUEUE_JOIN[1:]}", json=body).status_code == 200
    with httpx.stream("GET", f"{url}gradio_api/queue/data?session_hash=s", timeout=300) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                return message["output"]
    raise AssertionError("no answer")


def test_the_routes_have_these_paths(running):
    demo, _, _ = running
    assert demo.config["api_prefix"] == compat.API
    paths = set(compat.registered_paths(demo.app.routes))
    assert {*compat.PAGE_ROUTES, *compat.CALL_ROUTES, *compat.LOGIN_ROUTES} <= paths
    assert any(path.startswith(compat.FILE) for path in paths)


def test_the_overridden_methods_have_the_parameters_of_gradio():
    for name in ("preprocess_data", "call_function"):
        theirs = list(inspect.signature(getattr(gr.Blocks, name)).parameters)
        ours = inspect.signature(getattr(compat.HookedBlocks, name)).parameters
        named = [one.name for one in ours.values() if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        assert named == theirs[: len(named)], name


def test_values_are_checked_before_gradio_reads_them(running):
    demo, url, _ = running
    assert asked(url, ANSWER, ["never"])["error"] == "refused by check_values"
    assert demo.seen[-1] == ["never"]
    assert asked(url, OPEN, [{"path": SECRET}])["error"].startswith("request_error")


def test_an_event_with_a_file_is_an_error_of_the_request(running):
    _, url, _ = running
    file = {"path": SECRET, "meta": {"_type": "gradio.FileData"}}
    assert asked(url, ANSWER, ["x"], event_data={"a": file})["error"].startswith("request_error")


def test_messages_that_nothing_reads_go_and_those_that_are_read_stay(running, monkeypatch):
    demo, url, _ = running
    monkeypatch.setattr(compat, "SWEEP_S", 0)
    kept = demo._queue.pending_messages_per_session
    body = {"data": ["x"], "fn_index": ANSWER, "session_hash": "unread"}
    assert http_client.post(f"{url}{compat.QUEUE_JOIN[1:]}", json=body).status_code == 200
    until(lambda: "unread" in kept and any(one.msg == "process_completed" for one in [*kept["unread"]._queue]))
    assert json.loads(asked(url, ANSWER, ["x"], event_data={})["data"][0]) == {}
    assert "unread" in kept  # it may still be read
    oldest, since = demo._waiting["unread"]
    demo._waiting["unread"] = oldest, since - compat.UNREAD_S
    assert json.loads(asked(url, ANSWER, ["x"], event_data={})["data"][0]) == {}
    assert "unread" not in kept
    assert "unread" not in demo._queue.pending_event_ids_session


def test_an_error_of_a_function_is_one_of_the_server(running):
    _, url, _ = running
    assert asked(url, ANSWER, ["break"])["error"] == "server_error ZeroDivisionError"


def test_the_details_of_an_event_are_what_the_browser_sent(running):
    _, url, _ = running
    assert json.loads(asked(url, ANSWER, ["x"], event_data={"a": [1]})["data"][0]) == {"a": [1]}


def test_our_routes_come_before_those_of_gradio_and_know_the_blocks(running):
    assert http_client.get(f"{running[1]}config").json() == {"same": True}


def test_our_middleware_sees_each_request_and_each_error_of_a_route(running):
    _, url, noted = running
    assert http_client.get(f"{url}theme.css").status_code == 200 and noted[-1] == "/theme.css"
    refused = http_client.post(f"{url}gradio_api/call/nothing", json={"data": []})
    assert refused.json() == {"error": "FnIndexInferError"} and noted[-1] in compat.ROUTE_ERRORS


def test_a_file_that_is_served_again_is_whole_at_every_moment(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    component, data, sizes = gr.File(), bytes(2**20), []
    path = Path(compat.serve_bytes(component, data, "a.bin"))
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(lambda: [compat.serve_bytes(component, data, "a.bin") for _ in range(200)])
        while not again.done():
            sizes.append(len(path.read_bytes()))
    assert set(again.result()) == {str(path)} and set(sizes) == {len(data)}


def test_a_file_of_ours_is_served_and_goes_with_those_of_its_component(running):
    demo, url, _ = running
    component = next(one for one in demo.blocks.values() if isinstance(one, gr.File))
    for path in (compat.serve_bytes(component, b"abc", "a.bin"), compat.serve_file(component, ROOT / "app.py")):
        assert http_client.get(f"{url}{compat.FILE[1:]}{path}").status_code == 200
        assert any(path in files for files in demo.temp_file_sets)
    assert http_client.get(f"{url}{compat.FILE[1:]}{ROOT / 'app.py'}").status_code == 403


def test_the_page_gives_its_scripts_its_address(running):
    _, url, _ = running
    page = http_client.get(url).text
    assert "window.gradio_config = " in page and f'"root":"{url.rstrip("/")}"' in page


def test_a_name_quoted_in_the_script_becomes_an_event():
    shell = gr.HTML(js_on_load="// 'example'")
    assert callable(shell.example) and not hasattr(shell, "other")
    assert shell.get_config()["js_on_load"] == "// 'example'"


def test_the_css_of_a_theme_has_its_variables_light_and_dark():
    css = compat.theme_css(theme())
    light, dark = css.split(":root.dark, :root .dark {")
    for part in (light, dark):
        assert {"--body-text-color:", "--background-fill-primary:", "--border-color-primary:"} <= set(part.split())
    assert "@import" not in css
    assert css.count("url(") == css.count('url("data:')


def test_a_session_keeps_updates_of_fields_and_none_of_what_is_unkept():
    with compat.HookedBlocks() as demo:
        field, viewer = gr.Dropdown(["a"], value="a"), Viewer()

        def change(value):
            return gr.update(choices=["a", "b"]), Viewer.answer("inspect", {"value": value})

        field.input(change, field, [field, viewer])
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        for value in ("a", "b"):  # the second is one of the choices that the first has added
            reported = asked(url, 0, [value])["data"]
            assert reported[1]["props"]["inspect_answer"]["value"] == value
        state = demo.app.state_holder["s"]
        assert state[field._id].choices == [("a", "a"), ("b", "b")] and state[viewer._id] is viewer
        assert state.config_values == {}
    finally:
        demo.close()


def test_a_value_given_after_the_making_may_be_none():
    with gr.Blocks() as demo:
        box, out = gr.Checkbox(), gr.Textbox()
        box.value = None

        def ask(box: bool | None = None):
            return str(box)

        box.change(ask, box, out, api_name="ask")
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    try:
        assert http_client.program(url).predict(api_name="/ask") == "None"
    finally:
        demo.close()


INTERNAL_NAMES = {
    *("_data", "_queue", "GRADIO_CACHE", "blocks_config", "call_function", "config_values"),
    *("constructor_args", "fns", "preprocess_data", "process_api", "postprocess_data", "state_holder", "temp_files"),
    *("default_config", "tokens", "cookie_id", "pending_messages_per_session", "upload_file_set"),
}
"""Attributes and methods that only Gradio's code gives, not its documentation."""
INTERNAL_TEXT = ("/gradio_api", "access-token")


def internals(source: str) -> list[str]:
    """Submodules of Gradio that a file imports, and names and texts in it that are internal."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gradio."):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.startswith("gradio.")]
        elif isinstance(node, ast.Attribute) and node.attr in INTERNAL_NAMES:
            found.append(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in INTERNAL_NAMES:
            found.append(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(INTERNAL_TEXT):
            found.append(node.value)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "from gradio.utils import x",
        "import gradio.routes",
        "event._data",
        "async def preprocess_data(): ...",
        "x = '/gradio_api/upload'",
    ],
)
def test_internals_are_found(source):
    assert internals(source)


def test_no_other_module_touches_an_internal_of_gradio():
    files = [ROOT / "app.py", *(ROOT / "app").rglob("*.py")]
    found = {file.relative_to(ROOT).as_posix(): internals(file.read_text(encoding="utf-8")) for file in files}
    found.pop("app/gradio_compat.py")
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize("keywords", [compat.LAUNCH, {}])
def test_a_server_whose_first_answer_is_late_goes_on(monkeypatch, keywords):
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    with gr.Blocks() as demo:
        gr.Textbox()
    with nullcontext() if keywords else pytest.raises(ValueError, match="localhost is not accessible"):
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **keywords)
        assert http_client.get(url).status_code == 200
    demo.close()
