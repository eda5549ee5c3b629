"""What checks the viewer's JavaScript is pinned, and comes from the public registry."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_versions_are_exact():
    package = json.loads((ROOT / "package.json").read_text())
    assert package["private"] and "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())


def test_every_package_is_locked_to_a_file_of_the_public_registry():
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages = {name: entry for name, entry in locked.items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["resolved"].startswith("https://registry.npmjs.org/") and entry["integrity"], name
        assert not entry.get("hasInstallScript"), name
