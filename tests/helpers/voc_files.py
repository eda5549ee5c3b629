"""Images of a VOC devkit with labels and masks, one by one."""

from pathlib import Path

from PIL import Image

SIZE = (8, 6)


def add_image(voc: Path, name: str, objects: list[str], mask_folder: str | None = "SegmentationClass") -> None:
    """One image of a devkit: JPEG, annotation and (unless None) a mask."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Segmentation", mask_folder or "."):
        (voc / folder).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE).save(voc / "JPEGImages" / f"{name}.jpg")
    part = "<part><name>head</name></part>"
    items = "".join(f"<object><name>{label}</name><difficult>1</difficult>{part}</object>" for label in objects)
    (voc / "Annotations" / f"{name}.xml").write_text(f"<annotation>{items}</annotation>")
    if mask_folder:
        Image.new("L", SIZE).save(voc / mask_folder / f"{name}.png")


def write_split(voc: Path, split: str, ids: list[str], kind: str = "Segmentation") -> None:
    """The file that lists the images of a split."""
    file = voc / "ImageSets" / kind / f"{split}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(ids) + "\n")
