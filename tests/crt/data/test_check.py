import pytest
from PIL import Image

from crt.data import (
    check_images,
    read_voc,
)
from crt.errors import InvalidDataset


@pytest.mark.parametrize("workers", [0, 2])
def test_check_images(voc, workers):
    check_images(read_voc(voc, "train", masks="optional"), workers)
    image = voc / "JPEGImages" / "2007_000001.jpg"
    image.write_bytes(image.read_bytes()[:-200])
    (voc / "JPEGImages" / "2007_000003.jpg").write_bytes(b"")
    Image.new("L", (3, 3)).save(voc / "SegmentationClassAug" / "2007_000002.png")
    with pytest.raises(InvalidDataset) as caught:
        check_images(read_voc(voc, "train", masks="optional"), workers)
    message = str(caught.value)
    assert "unusable image (2): 2007_000001" in message and "2007_000003" in message
    assert "mask of another size (1): 2007_000002 (image 8x6, mask 3x3)" in message
