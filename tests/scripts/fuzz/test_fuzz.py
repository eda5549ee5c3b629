"""The fuzzer on a tiny page: nothing crashes, and a crash would be counted. Markup stays text."""

import html
import json
import random
import re
from unittest.mock import AsyncMock
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from PIL import Image

from app.cli import AppConfig
from app.core.analysis import Explorer
from app.core.input_sizes import settings_of
from app.core.messages import INTERNAL_ERROR
from app.core.runs import Runs
from app.features.export_answer import EVERYTHING, FIGURES
from app.requests.validation import is_number, number
from app.server.security import RouteFilter, sanitize
from crt.errors import CrtError, InvalidSetting
from scripts.fuzz import generators
from scripts.fuzz import run as fuzz_script
from scripts.fuzz.client import DETAILS, PROGRAM, Fuzzer
from scripts.fuzz.run import SHARES, Count, Fuzz, _health, command, failures, fuzz, main, memory_growth
from scripts.loadtest.client import CAUGHT, LONGEST, PAGE, Outcome, outcome_of, wrong
from scripts.loadtest.server import Server
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

EVIL = "<img src=x onerror=alert(1)>"
CLASSES = ("cat", EVIL, "${alert(1)}{{value}}</script><script>alert(1)</script>")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a page whose checkpoint, classes and all, is hostile."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("fuzz") / "tiny", name=EVIL, classes=CLASSES)
    config = AppConfig(checkpoint=str(folder), host="127.0.0.1")
    with running_app(config) as (_, url):
        yield url


@pytest.fixture(scope="module")
def fuzzer(served) -> Fuzzer:
    fuzzer = Fuzzer(served, 0)
    fuzzer.warm()
    return fuzzer


@pytest.mark.nightly
def test_nothing_crashes(tmp_path):
    shipped = str(tiny_checkpoint(tmp_path / "tiny", masks=True))
    file = tmp_path / "fuzz.json"
    result = fuzz(Fuzz(draws=60, stride=40, checkpoint=shipped, largest=200, json=file))
    assert json.loads(file.read_text()) == result
    assert set(result["fuzz"]) == {"files", *SHARES}
    for name, row in result["fuzz"].items():
        assert row["crashes"] == [] and row["crashed"] == 0, name
        assert row["asked"] == row["answered"] + row["refused"] > 2
    assert result["fuzz"]["settings"]["refused"] > result["fuzz"]["settings"]["answered"] > 0
    assert (result["tracebacks"], result["health"]) == (0, "ok") and {"version", "commit"} <= result.keys()
    memory, cache = result["memory_mib"], result["cache_mib"]
    assert set(memory) == {"before", "largest", "warm", "half", "after"}
    assert min(memory.values()) > 100 and 0 <= cache["half"] <= cache["after"] <= cache["limit"]
    grown = memory["after"] - cache["after"] - memory["warm"] + cache["warm"]
    assert result["growth_mib"] == {"measured": pytest.approx(grown, abs=2.1), "limit": Fuzz.growth_mib}


def sound(measured: float, limit: float) -> dict:
    """A result with nothing wrong but perhaps its memory."""
    row = {"asked": 1, "answered": 1, "refused": 0, "crashed": 0, "slowest_s": 0.1, "crashes": []}
    growth_mib = {"measured": measured, "limit": limit}
    return {"fuzz": {"files": row}, "tracebacks": 0, "health": "ok", "growth_mib": growth_mib, "memory_mib": {}}


def test_memory_that_grows_beyond_the_bound_is_a_failure(monkeypatch, capsys):
    assert memory_growth((1000.0, 10.0), (1150.0, 60.0)) == 100.0  # the cache of Predictions has a bound of its own
    assert failures(sound(200, 200)) == []
    for measured, code in ((99.5, 0), (100.5, 1)):
        monkeypatch.setattr(fuzz_script, "fuzz", lambda config, measured=measured: sound(measured, config.growth_mib))
        assert main(Fuzz(growth_mib=100)) == code
    said = "error: The server's memory grew by 100.5 MiB after the warm-up, 100 are allowed."
    assert capsys.readouterr().err.strip() == said
    assert "--growth-mib 50" in command(Fuzz(growth_mib=50)) and "--growth-mib" not in command(Fuzz())


def test_every_other_failure_has_its_sentence():
    for change, reported in (({"tracebacks": 2}, "2 tracebacks"), ({"health": "loading"}, "was loading")):
        (sentence,) = failures(sound(0, 1) | change)
        assert reported in sentence
    broken = sound(0, 1)
    broken["fuzz"]["files"]["crashed"] = 3
    assert failures(broken) == ["3 requests crashed."]


def test_the_warm_up_sends_every_request_and_every_kind_of_file(fuzzer, monkeypatch):
    asked = []
    monkeypatch.setattr(
        fuzzer.page_client, "send", lambda endpoint, data, event=None: asked.append((endpoint.name, event))
    )
    fuzzer.warm_all()
    assert {name for name, _ in asked} == {name for name in fuzzer.endpoints if not name.startswith("unload/")}
    assert {event["kind"] for name, event in asked if name.startswith("export/")} == {*FIGURES, EVERYTHING}


def test_the_same_seed_sends_the_same_requests():
    drawn = [[generators.request(one) for _ in range(50)] for one in (random.Random(3), random.Random(3))]
    assert drawn[0] == drawn[1]
    drawn = [[generators.changed(DETAILS, one) for _ in range(50)] for one in (random.Random(3), random.Random(3))]
    assert repr(drawn[0]) == repr(drawn[1])
    assert sum(one != DETAILS for one in drawn[0]) > 45 and "evil" not in json.dumps(DETAILS)


def test_an_error_of_the_page_is_seen(fuzzer, monkeypatch, capfd):
    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Explorer, "analyze", broken)
    monkeypatch.setattr(Runs, "predict_in_parts", broken)
    for name in (PAGE, PROGRAM, "inspect/"):
        endpoint = next(one for one in fuzzer.page_client.endpoints if one.name.startswith(name))
        data = fuzzer.good(endpoint)
        data[1] = "448"  # another view than the one on the page, which is not looked at again
        outcome = fuzzer.page_client.send(endpoint, data, DETAILS)
        assert (outcome.kind, outcome.message) == ("crashed", "an error of the page's own"), name
    assert INTERNAL_ERROR.startswith(CAUGHT)


def test_an_error_in_a_handler_and_a_status_of_500_are_seen(fuzzer, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Explorer, "payloads", broken)
    endpoint = fuzzer.endpoints[PAGE]
    data = fuzzer.good(endpoint)
    data[1] = "448"
    assert fuzzer.page_client.send(endpoint, data).kind == "crashed"
    assert "a bug" in str([record.exc_info for record in caplog.records])  # whose traceback the log holds
    request = httpx.Request("GET", "http://x")
    assert outcome_of(httpx.Response(500, text="x", request=request), 0).kind == "crashed"
    assert outcome_of(httpx.Response(503, text="Queue is full. Max", request=request), 0).kind == "refused"
    assert outcome_of(httpx.Response(422, text='File "x.py", line 3', request=request), 0).kind == "crashed"


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("Choose an image.", ""),
        (INTERNAL_ERROR, "own"),
        ("One line\nand another.", "no plain"),
        ("x" * (LONGEST + 9), "no plain"),
        ("No.", "no plain"),
        ('Traceback (most recent call last): File "x"', "insides"),
        (f"{generators.__file__} is damaged: give another.", "path of the server"),
    ],
)
def test_what_is_no_plain_sentence_is_seen(sentence, fault):
    assert fault in wrong(sentence) and bool(fault) == bool(wrong(sentence))


def test_a_page_that_answers_nothing_more_is_not_well(served, fuzzer, monkeypatch):
    server = Server(())
    server.url = served
    assert _health(server, fuzzer) == "ok"
    monkeypatch.setattr(fuzzer, "image", fuzzer.image | {"path": fuzzer.image["path"] + ".gone"})
    assert _health(server, fuzzer) == "refuses a valid request: This image is no longer here: choose it again."


def test_counts_add_up_and_name_the_crashes():
    count = Count()
    for kind in ("answered", "refused", "crashed", "crashed"):
        count.add("/cams", Outcome(kind, "why", 0.5))
    assert (count.asked, count.answered, count.refused, count.crashed, count.slowest_s) == (4, 1, 1, 2, 0.5)
    assert count.crashes == ["/cams: why"] * 2
    with pytest.raises(InvalidSetting, match="at least 0 draws"):
        Fuzz(draws=-1)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True, "3", None, [1], {}])
def test_a_number_that_no_float_holds_is_refused_and_not_stumbled_over(value):
    assert not is_number(value)
    with pytest.raises(InvalidSetting, match="x must be a number from 0 to 1"):
        number({"x": value}, "x", 0, 1)


@pytest.mark.parametrize("mode", [[], ["overlap"], ["overlap", "bilinear"]])
def test_a_list_where_one_value_is_meant_is_answered(fuzzer, mode, capfd):
    for endpoint in fuzzer.page_client.endpoints:
        if endpoint.kinds.count("dropdown") > 1:
            data = fuzzer.good(endpoint)
            data = [mode if value == "overlap" else value for value in data]
            if len(data) == 2:  # the note beside the field
                data[0] = mode
            assert fuzzer.page_client.send(endpoint, data, DETAILS).kind in ("answered", "refused"), endpoint.name
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("value", ["a" * 10_000, [0] * 5_000, {"a": "b" * 9_999}, [[[[]]]] * 999])
def test_a_refusal_does_not_repeat_all_that_was_sent(value):
    image = np.zeros((9, 9, 3), np.uint8)
    for size, mode in ((value, "overlap"), ("224", value)):
        with pytest.raises(CrtError) as error:
            settings_of(size, mode, image)
        assert not wrong(str(error.value))


def test_what_is_echoed_can_be_written_and_has_an_end(fuzzer):
    assert sanitize("\ud800" + "ä" * 99, 10) == "?" + "ä" * 9 and sanitize(None, 5) == "" and sanitize([1], 9) == "[1]"
    endpoint = next(one for one in fuzzer.page_client.endpoints if one.name.startswith("cancel/"))
    outcome = fuzzer.page_client.send(endpoint, fuzzer.good(endpoint), {"run": "\ud800", "request": "\udfff" * 9999})
    assert outcome.kind == "answered"


@pytest.mark.parametrize("event", ["id", ["id"], 3, None, True, [["a", 1]], "\ud800"])
def test_an_event_that_is_no_object_is_answered(fuzzer, event, capfd):
    for endpoint in fuzzer.page_client.endpoints:
        if endpoint.name.startswith(("example/", "inspect/", "reopen", "cancel/")):
            assert fuzzer.page_client.send(endpoint, fuzzer.good(endpoint), event).kind in ("answered", "refused")
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "queue/join", b'{"data": [], "fn_index": 999, "session_hash": "a"}'),
        ("POST", "queue/join", b'{"data": [], "fn_index": 1e999, "session_hash": "a"}'),
        ("POST", "queue/join", b"[" * 5000),
        ("POST", "call/nothing", b'{"data": []}'),
        ("POST", "call/v2/nothing", b"{}"),
        ("POST", "call/v2/cams", b'{"image": 3, "no": 1}'),
        ("POST", "run/explain", b'{"data": []}'),
        ("POST", "run/switch", b'{"data": []}'),
        ("POST", "upload", b"no form"),
        ("GET", "heartbeat/%00", b""),
        ("GET", "file=" + "a" * 300, b""),
    ],
)
def test_requests_that_gradio_stumbles_over_are_refused(served, method, path, body, capfd):
    kind = {"content-type": "application/json"}
    answer = httpx.request(method, f"{served}gradio_api/{path}", content=body, headers=kind, timeout=300)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("path", ["queue/data?session_hash=unknown", "call/cams/nothing"])
def test_the_stream_of_an_unknown_session_ends(served, path, capfd):
    answer = http_client.get(f"{served}gradio_api/{path}")  # raises if the connection breaks off
    assert answer.status_code == 200 and "404" in answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ZeroDivisionError(), OSError("disk")])
def test_an_error_that_is_not_about_the_request_is_none_of_the_clients(error):
    async def broken(scope, receive, send):
        raise error

    scope: dict = {"type": "http", "method": "GET", "path": "/config"}
    answering = RouteFilter(broken)(scope, AsyncMock(), AsyncMock())
    with pytest.raises(type(error)) as raised:
        answering.send(None)  # no loop of its own: the browser of other tests has one running here
    assert raised.value is error


# What the server sends as HTML, with an enemy's names in it


def test_the_page_holds_no_markup_of_names(served):
    for query in ("", f"?v=1&pic={EVIL}&zzz={EVIL}", f"?__theme={EVIL}", f"?view={EVIL}"):
        text = http_client.get(f"{served}{query}").text
        assert EVIL not in text and "</script><script>alert(1)" not in text, query
        for script in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL):
            assert "${alert(1)}</" not in script
    # The description of the page is JSON; the page's own text reaches it as data alone.
    config = http_client.get(f"{served}config")
    assert config.headers["content-type"].startswith("application/json")
    (viewer,) = [one for one in config.json()["components"] if one["props"].get("elem_id") == "crt-maps"]
    for part in ("html_template", "css_template", "js_on_load"):
        assert "alert(1)" not in viewer["props"][part]
    labels = [one["props"] for one in config.json()["components"] if one["type"] in ("html", "markdown")]
    assert not [props for props in labels if "alert(1)" in str(props.get("value"))]


def test_all_that_is_served_of_a_hostile_name_is_saved_or_drawn_as_pixels(fuzzer):
    for name in (f"{EVIL}.png", "page.html", "drawing.svg", "code.js", "x.xhtml", "a.xml", "${alert(1)}.htm"):
        found = fuzzer.page_client.upload(name, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
        assert isinstance(found, dict), name
        assert not re.search(r"[<>\"'${}]", found["path"]), found["path"]
        answer = fuzzer.page_client.file(found["path"])
        kind, how = (answer.headers.get(part, "") for part in ("content-type", "content-disposition"))
        assert answer.status_code == 200
        assert how.startswith("attachment") or kind == "image/png", (name, kind, how)


def test_figures_hold_markup_as_text(fuzzer, tmp_path):
    endpoint = next(one for one in fuzzer.page_client.endpoints if one.name.startswith("export/"))
    values = "AACAPwAAgD8AAIA/AACAPw=="
    extra = {"title": EVIL, "note": "</text><script>alert(1)</script>", "unit": "attention", "values": values}
    extra |= {"h": 2, "w": 2, "down": 2, "across": 2}
    asked = DETAILS | {"kind": "svg", "classes": [1, 2], "added_panel": extra}
    outcome = fuzzer.page_client.send(endpoint, fuzzer.good(endpoint), asked)
    reported = json.dumps(outcome.data)
    path = re.search(r'"download": "([^"]+)"|"path": "([^"]+\.svg)"', reported)
    assert outcome.kind == "answered" and path is not None, outcome.message or reported[:300]
    assert not re.search(r"[<>${}]", json.loads(f'"{path[1] or path[2]}"'))
    answer = fuzzer.page_client.file(path[1] or path[2])
    assert answer.headers["content-disposition"].startswith("attachment")
    tree = ElementTree.fromstring(answer.content)
    tags = {node.tag.rpartition("}")[2] for node in tree.iter()}
    assert tags.isdisjoint({"script", "img", "foreignObject"})
    assert not [name for node in tree.iter() for name in node.attrib if name.lower().startswith("on")]
    assert html.escape(EVIL, quote=False) in answer.text or EVIL not in answer.text


def test_the_image_of_the_fuzzer_is_one(fuzzer, tmp_path):
    data = fuzzer.page_client.file(fuzzer.image["path"]).content
    (tmp_path / "a.png").write_bytes(data)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (160, 120)
