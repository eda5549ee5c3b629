"""What `mkdocs.yml` adds to the build of the site: the changelog, and links to files outside docs/.

The pages are plain Markdown, whose links work in a copy of the repository. On the site a link to a file outside docs/
leads to the repository, if `REPOSITORY_URL` in the environment names one; else the file's name stands in its place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./((?!\.\.)[^)\s#]+)(#[^)\s]*)?\)")
_CHANGELOG = "changelog.md"


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - mkdocs gives them
    """Prepare the text of a page. mkdocs calls it for each one.

    Args:
        markdown: of the page.
        page: its `file.src_uri` is the path in docs/.
        config: its `repo_url` is the address of the repository, or empty.
        files: of the site.

    Returns:
        The text that is rendered.
    """
    if page.file.src_uri == _CHANGELOG:
        markdown = (Path(config["config_file_path"]).parent / "CHANGELOG.md").read_text(encoding="utf-8")
    return with_outside_links(markdown, config["repo_url"] or "")


def with_outside_links(markdown: str, repository: str) -> str:
    """Turn links to files outside docs/ into links to the repository.

    Args:
        markdown: whose links begin with `../` where they leave docs/.
        repository: its address; empty for none.

    Returns:
        The text; without an address the names of the files in place of the links.
    """

    def replace(found: re.Match[str]) -> str:
        text, path, anchor = found[1], found[2], found[3] or ""
        if repository:
            return f"[{text}]({repository.rstrip('/')}/blob/main/{path}{anchor})"
        return text if text.strip("`") == path else f"{text} (`{path}`)"

    return _OUTSIDE.sub(replace, markdown)
