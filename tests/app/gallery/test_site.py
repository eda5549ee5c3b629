"""The files of a gallery: what its pages share, what they may load, and when an image counts as done."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.gallery.site import DoneImage, Site
from app.viewer.files import plotly_js, template
from app.viewer.saved_page import linked_modules
from crt.errors import InvalidSetting

HOSTILE = "</script><script>alert(1)</script><!-- record --><b onclick='x'>"
RESULTS = {"sections": [HOSTILE]}
RECORD = {"name": HOSTILE, "value": {"classes": [HOSTILE]}, "saved": {"query": "", "scenes": [], "drawn": []}}
INDEX = {"title": HOSTILE, "images": [{"id": "a-1", "name": HOSTILE}], "classes": [HOSTILE]}
DONE = DoneImage("key", {"id": "a-1", "name": HOSTILE})
RECORD_TEXT = r'id="crt-record">([A-Za-z0-9+/=]+)<'


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    site = Site(tmp_path_factory.mktemp("site") / "new" / "gallery")
    site.write_shared(RESULTS)
    site.write_image("a-1", RECORD, b"jpeg", DONE)
    site.write_index(INDEX)
    return site.folder


@pytest.fixture
def site(tmp_path) -> Site:
    site = Site(tmp_path / "site")
    site.write_shared(RESULTS)
    site.write_image("a-1", RECORD, b"jpeg", DONE)
    return site


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_site_has_these_files_and_no_other(made):
    shared = {f"shared/{name}" for name in ("viewer.js", "viewer.css", "plotly.js", "index.js")}
    own = {"pages/a-1.html", "thumbs/a-1.jpg", ".gallery/a-1.json"}
    assert files(made) == {"index.html", ".nojekyll"} | shared | own


def test_the_pages_share_the_viewer_its_style_the_results_and_plotly(made):
    modules, markup, results = (made / "shared" / "viewer.js").read_text(encoding="utf-8").splitlines()
    packed = json.loads(modules.partition(" = ")[2].rstrip(";"))
    assert dict(json.loads(gzip.decompress(base64.b64decode(packed)))) == dict(linked_modules())
    assert json.loads(markup.partition("('beforebegin', ")[2].removesuffix(");")) == template()
    assert results == f"window.crtResults = {json.dumps(RESULTS)};"
    assert (made / "shared" / "plotly.js").read_bytes() == plotly_js()
    css = (made / "shared" / "viewer.css").read_text(encoding="utf-8")
    assert "--body-text-color" in css and ".crt-viewer" in css


def test_the_pages_of_the_images_have_the_index_beside_them(made):
    text = (made / "shared" / "index.js").read_text(encoding="utf-8")
    assert json.loads(text.partition(" = ")[2].rstrip(";\n")) == {name: INDEX[name] for name in ("classes", "images")}
    assert text.startswith("window.crtIndex = ") and text.isascii()


@pytest.mark.parametrize(("name", "record"), [("index.html", INDEX), ("pages/a-1.html", RECORD)])
def test_a_page_holds_its_record_as_data_alone_and_shares_the_rest(made, name, record):
    text = (made / name).read_text(encoding="utf-8")
    (packed,) = re.findall(RECORD_TEXT, text)
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == record
    assert "alert(1)" not in text and "onclick" not in text and "<!-- " not in text
    assert text.count("<h1") == 1 and text.count("<script") == text.count("</script>")
    assert len(text) - len(packed) < 12_000


@pytest.mark.parametrize("name", ["index.html", "pages/a-1.html"])
def test_a_page_may_load_what_lies_beside_it_and_connect_to_nothing(made, name):
    text = (made / name).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy is not None
    assert policy[1].startswith(f"default-src 'none'; script-src 'sha256-{digest}' 'self' file: blob:; ")
    assert "connect-src" not in policy[1] and "http" not in policy[1]
    found = re.findall(r'(?:src|href|data-address)="([^"]+)"|url\("([^"]+)"\)', text)
    links = {one or other for one, other in found if not one.startswith("https://arxiv.org/")}
    assert len(links) >= 2 and all((made / name).parent.joinpath(link).is_file() for link in links)


def test_an_image_is_done_while_its_files_are_there_and_made_of_the_same(site):
    assert site.done("a-1", "key") == DONE
    assert site.done("a-1", "other") is None and site.done("b-2", "key") is None
    for name in ("pages/a-1.html", "thumbs/a-1.jpg", ".gallery/a-1.json"):
        site.write_image("a-1", RECORD, b"jpeg", DONE)
        (site.folder / name).unlink()
        assert site.done("a-1", "key") is None


@pytest.mark.parametrize("text", ["{", "[]", "3", "{}", '{"key": "key"}'])
def test_a_state_that_cannot_be_read_is_no_state(site, text):
    (site.folder / ".gallery" / "a-1.json").write_text(text)
    assert site.done("a-1", "key") is None


def test_a_run_that_is_cut_off_leaves_an_image_undone(site, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "a")

    monkeypatch.setattr("app.gallery.site.write_text", full)
    with pytest.raises(OSError, match="No space"):
        site.write_image("a-1", RECORD, b"new", DONE)
    assert site.done("a-1", "key") is None


def test_the_files_of_other_images_are_deleted(site):
    site.write_image("b-2", RECORD, b"jpeg", DONE)
    (site.folder / "pages" / "mine.html").write_text("kept: it is of no image")
    assert site.remove_others(["b-2", "c-3"]) == 1
    assert not {name for name in files(site.folder) if "a-1" in name}
    assert "pages/mine.html" in files(site.folder) and site.done("b-2", "key") == DONE
    assert site.remove_others(["b-2"]) == 0


def test_a_folder_with_other_files_is_left_as_it_is(site, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(InvalidSetting, match="files of something else"):
        Site(tmp_path / "mine")
    with pytest.raises(InvalidSetting, match="is a file"):
        Site(tmp_path / "mine" / "index.html")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new", site.folder):
        Site(folder)
    assert not (tmp_path / "new").exists()
