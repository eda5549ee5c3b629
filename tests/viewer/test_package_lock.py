"""What checks the viewer's JavaScript is pinned by version and content."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_versions_are_exact():
    package = json.loads((ROOT / "package.json").read_text())
    assert package["private"] and "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())


def test_every_package_is_locked_to_its_content_and_to_no_server():
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages = {name: entry for name, entry in locked.items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"] and "resolved" not in entry, name  # .npmrc keeps addresses out
        assert not entry.get("hasInstallScript"), name
