"""Every link in the documentation leads to a file and a heading that are there, on the site as in the repository."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CODE_OF_CONDUCT.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "checkpoints").rglob("*.md")),
    ROOT / "results/splits/README.md",
]
OF_THE_HOST = "../../actions/workflows/"
"""On GitHub the badge of CI lies above the files."""
HOSTS = {
    "arxiv.org",
    "img.shields.io",
    "keepachangelog.com",
    "semver.org",
    "www.contributor-covenant.org",
}
"""Where links lead outside; `tests/nightly/test_web_links.py` follows them where there is a network."""
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def on_the_host(heading: str) -> str:
    """The anchor of a heading in the repository, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def on_the_site(heading: str) -> str:
    """The anchor of a heading on the site, as the extension `toc` of Python-Markdown makes it."""
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "").encode("ascii", "ignore").decode()).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)


def anchors(path: Path) -> set[str]:
    """Of the headings of a page that have one anchor in both places."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {on_the_host(heading) for heading in _HEADING.findall(text) if on_the_host(heading) == on_the_site(heading)}


def web_links(text: str) -> list[str]:
    """The links of a page to other machines."""
    return [link for link in _LINK.findall(_CODE.sub("", text)) if re.match(r"https?:", link)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"https?:", link):
            address = urlsplit(link)
            assert address.scheme == "https" and address.hostname in HOSTS, link
            continue
        name, _, anchor = link.partition("#")
        if name.startswith(OF_THE_HOST):
            assert (ROOT / ".github/workflows" / name.removeprefix(OF_THE_HOST).partition("/")[0]).is_file(), link
            continue
        target = path if not name else (path.parent / name).resolve()
        assert target.exists() and target.is_relative_to(ROOT), f"{link} is not there"
        assert not anchor or anchor in anchors(target), f"{link} is no heading"


def test_no_host_is_listed_that_no_link_leads_to() -> None:
    links = [link for path in FILES for link in web_links(path.read_text(encoding="utf-8"))]
    assert {urlsplit(link).hostname for link in links} == HOSTS


@pytest.mark.parametrize(
    ("heading", "host", "site"),
    [
        ("4. Attention refinement (Eq. 1)", "4-attention-refinement-eq-1", "4-attention-refinement-eq-1"),
        ("A & B", "a--b", "a-b"),
        ("Größe", "größe", "gre"),
        ("`train_crt`", "train_crt", "train_crt"),
    ],
)
def test_anchors_are_those_of_both_places(heading: str, host: str, site: str) -> None:
    assert (on_the_host(heading), on_the_site(heading)) == (host, site)


def test_a_wrong_anchor_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n## Two words\n\n```sh\n# no heading\n```\n", encoding="utf-8")
    assert anchors(page) == {"one", "two-words"}
