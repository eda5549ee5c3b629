"""List the commands by group, with one line each.

    python -m scripts

The lines are the first sentences of the modules' docstrings. They are read from the source, so that nothing is imported
and the list appears at once.
"""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
GROUPS: dict[str, tuple[str, ...]] = {
    "Use a checkpoint": ("explain", "gallery", "evaluate"),
    "Train": ("download_voc", "train_crt", "tune_localization", "pack_checkpoint", "import_checkpoint", "push_to_hub"),
    "From CAMs to a segmentation network": (
        "run_pipeline",
        "make_cams",
        "make_irn_labels",
        "train_irn",
        "random_walk",
        "make_pseudo_masks",
        "train_deeplab",
        "predict_masks",
    ),
    "Measure the paper's claims": ("ablate",),
}
"""Title of a group -> its commands in the order of their use; those of no group are for developers."""
DEVELOPERS = "For developers"


def commands() -> dict[str, str]:
    """Name after `python -m scripts.` -> what the command does, of every module that can be run."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.rglob("*.py")):
        parts = path.relative_to(FOLDER).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__main__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if name and any(map(_runs, tree.body)):
            found[name] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def grouped(found: dict[str, str]) -> dict[str, list[str]]:
    """The names of `commands` by group, each once."""
    groups = {title: [name for name in names if name in found] for title, names in GROUPS.items()}
    placed = {name for names in groups.values() for name in names}
    return {**groups, DEVELOPERS: [name for name in found if name not in placed]}


def _runs(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def main() -> None:
    """Print the list."""
    found = commands()
    width = max(map(len, found))
    print("python -m scripts.NAME --help lists the options of a command.")
    for title, names in grouped(found).items():
        print(f"\n{title}")
        for name in names:
            print(f"  {name:{width}}  {found[name]}")


if __name__ == "__main__":
    main()
