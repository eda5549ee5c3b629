"""`scripts/download_voc.py` against a tiny server on this machine: resuming, checking, unpacking, converting."""

import hashlib
import io
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import numpy as np
import pytest
import tyro
from PIL import Image
from scipy.io import savemat

from crt.data import read_voc, voc_palette
from crt.errors import InvalidDataset, InvalidSetting
from scripts import download_voc
from scripts.download_voc import Download, download, fetch
from tests.helpers.narrow import instance

MASK = np.array([[0, 1, 20], [15, 0, 0]], np.uint8)


def make_tar(files: dict[str, bytes], mode: Literal["w", "w:gz"] = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_voc() -> dict[str, bytes]:
    """Images 1 and 2 in train, 3 in val, 4 and 5 only in the image folder."""
    jpeg = io.BytesIO()
    Image.new("RGB", (3, 2)).save(jpeg, "JPEG")
    files = {}
    for number in range(1, 6):
        name = f"2007_00000{number}"
        files[f"VOCdevkit/VOC2012/JPEGImages/{name}.jpg"] = jpeg.getvalue()
        xml = b"<annotation><object><name>cat</name></object></annotation>"
        files[f"VOCdevkit/VOC2012/Annotations/{name}.xml"] = xml
    files["VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt"] = b"2007_000001\n2007_000002\n"
    files["VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt"] = b"2007_000003\n"
    return files


def make_sbd() -> dict[str, bytes]:
    """SBD lists 2 and 4 for train, 3 (of VOC val) and 5 for val."""
    files = {
        "benchmark_RELEASE/dataset/train.txt": b"2007_000002\n2007_000004\n",
        "benchmark_RELEASE/dataset/val.txt": b"2007_000003\n2007_000005\n",
        "benchmark_RELEASE/dataset/inst/2007_000004.mat": b"not read",
    }
    for number in (2, 3, 4, 5):
        buffer = io.BytesIO()
        savemat(buffer, {"GTcls": {"Segmentation": MASK, "CategoriesPresent": [1]}})
        files[f"benchmark_RELEASE/dataset/cls/2007_00000{number}.mat"] = buffer.getvalue()
    return files


class Server(ThreadingHTTPServer):
    """Serves `files` by name; notes requests; may cut answers short or know no ranges."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.most: int | None = None  # bytes sent before the connection is cut
        self.knows_ranges = True

    def url(self, name: str, data: bytes) -> str:
        self.files[name] = data
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = instance(Server, self.server)
        data = server.files.get(self.path[1:])
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.knows_ranges else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: server.most])

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def make_config(server, root, voc: bytes, sbd: bytes = b"") -> Download:
    return Download(
        root=root,
        voc_url=server.url("voc.tar", voc),
        voc_md5=md5(voc),
        sbd_url=server.url("sbd.tgz", sbd),
        sbd_md5=md5(sbd),
    )


def test_everything(server, tmp_path):
    config = make_config(server, tmp_path / "data", make_tar(make_voc()), make_tar(make_sbd(), "w:gz"))
    result = download(config)
    voc = tmp_path / "data" / "VOCdevkit" / "VOC2012"
    assert result == {"voc": str(voc), "train": 2, "val": 1, "train_aug": 4}
    ids = ["2007_000001", "2007_000002", "2007_000004", "2007_000005"]
    assert [sample.id for sample in read_voc(tmp_path / "data", "train_aug").samples] == ids
    masks = sorted(path.name for path in (voc / "SegmentationClassAug").iterdir())
    assert masks == ["2007_000002.png", "2007_000004.png", "2007_000005.png"]  # none of val
    with Image.open(voc / "SegmentationClassAug" / "2007_000004.png") as image:
        assert image.mode == "P" and image.size == (3, 2)
        np.testing.assert_array_equal(np.asarray(image), MASK)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), voc_palette()[MASK])
    leftovers = [path for path in (tmp_path / "data").rglob("*") if path.name.endswith((".part", ".unpacking"))]
    assert not leftovers
    requests = len(server.ranges)
    assert download(config) == result and len(server.ranges) == requests  # nothing is done twice


def test_without_sbd(server, tmp_path):
    result = download(replace(make_config(server, tmp_path, make_tar(make_voc())), sbd=False))
    assert result["train_aug"] is None and not (tmp_path / "VOCdevkit/VOC2012/SegmentationClassAug").exists()


def test_command_line(tmp_path):
    assert tyro.cli(Download, args=["--root", str(tmp_path), "--no-sbd"]) == Download(root=tmp_path, sbd=False)
    assert tyro.cli(Download, args=[]) == Download()


def test_a_cut_connection_is_resumed(server, tmp_path):
    data = np.random.default_rng(0).bytes(1000)
    server.most = 300
    target = fetch(server.url("file", data), md5(data), tmp_path / "deep" / "file")
    assert target.read_bytes() == data
    assert server.ranges == [None, "bytes=300-", "bytes=600-", "bytes=900-"]
    assert [path.name for path in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("knows_ranges", [True, False])
@pytest.mark.parametrize("have", [400, 1000])
def test_an_earlier_run_is_continued(server, tmp_path, knows_ranges, have):
    data = np.random.default_rng(0).bytes(1000)
    (tmp_path / "file.part").write_bytes(data[:have])
    server.knows_ranges = knows_ranges
    assert fetch(server.url("file", data), md5(data), tmp_path / "file").read_bytes() == data
    assert server.ranges == [f"bytes={have}-"]


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(InvalidDataset, match="another MD5"):
        fetch(server.url("file", b"something else"), md5(b"what was wanted"), tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_giving_up_keeps_what_there_is(server, tmp_path):
    server.most = 10
    data = bytes(1000)
    with pytest.raises(InvalidDataset, match="run this again"):
        fetch(server.url("file", data), md5(data), tmp_path / "file")
    assert (tmp_path / "file.part").stat().st_size == 10 * download_voc.ATTEMPTS
    with pytest.raises(InvalidDataset, match="404"):
        fetch(f"http://127.0.0.1:{server.server_port}/missing", "", tmp_path / "other")


@pytest.mark.parametrize("name", ["../evil.txt", "VOCdevkit/../../evil.txt"])
def test_archives_cannot_write_elsewhere(server, tmp_path, name):
    root = tmp_path / "data"
    with pytest.raises(InvalidDataset, match="cannot be unpacked safely"):
        download(make_config(server, root, make_tar({**make_voc(), name: b"evil"})))
    assert not list(tmp_path.rglob("evil.txt"))
    assert not (root / "VOCdevkit").exists() and not (root / ".unpacking").exists()


def test_archives_cannot_link_elsewhere(tmp_path):
    link = tarfile.TarInfo("VOCdevkit/VOC2012/JPEGImages")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(link)
    with pytest.raises(InvalidDataset, match="cannot be unpacked safely"):
        download_voc.extract_voc(tmp_path / "a.tar", tmp_path / "data" / "VOCdevkit" / "VOC2012")


@pytest.mark.parametrize("archive", [b"not a tar", make_tar({"readme.txt": b"x"})], ids=["no tar", "other content"])
def test_wrong_voc_archives(server, tmp_path, archive):
    with pytest.raises(InvalidDataset, match="delete it"):
        download(make_config(server, tmp_path, archive))
    assert not (tmp_path / "VOCdevkit").exists()


def test_what_cannot_be_completed_is_refused_in_one_sentence(server, tmp_path):
    with pytest.raises(InvalidSetting, match="foo is no address of an archive"):
        fetch("foo", "0", tmp_path / "foo.tar")
    config = make_config(server, tmp_path, make_tar(make_voc()), make_tar(make_sbd(), "w:gz"))
    (voc := tmp_path / "VOCdevkit" / "VOC2012").mkdir(parents=True)
    (voc / "mine.txt").touch()
    with pytest.raises(InvalidDataset, match="holds files but no ImageSets: move it away"):
        download(config)
    (voc / "ImageSets").mkdir()
    with pytest.raises(InvalidDataset, match=r"no whole devkit \(No such file.*train\.txt"):
        download(config)
    assert not server.ranges  # before anything is fetched


def test_sbd_problems_are_reported_together(server, tmp_path):
    files = make_sbd()
    files["benchmark_RELEASE/dataset/cls/2007_000004.mat"] = b"damaged"
    del files["benchmark_RELEASE/dataset/cls/2007_000005.mat"]
    with pytest.raises(InvalidDataset) as caught:
        download(make_config(server, tmp_path, make_tar(make_voc()), make_tar(files, "w:gz")))
    message = str(caught.value)
    assert "unreadable masks (1): 2007_000004.mat" in message
    assert "listed images without a mask (2): 2007_000004, 2007_000005" in message
    assert not (tmp_path / "VOCdevkit/VOC2012/ImageSets/Segmentation/train_aug.txt").exists()


@pytest.mark.parametrize("archive", [b"not a tar", make_tar({"readme.txt": b"x"}, "w:gz")], ids=["no tar", "empty"])
def test_wrong_sbd_archives(server, tmp_path, archive):
    with pytest.raises(InvalidDataset):
        download(make_config(server, tmp_path, make_tar(make_voc()), archive))
