"""Download PASCAL VOC 2012 and the SBD masks, and lay them out as one devkit with the split `train_aug`.

    python -m scripts.download_voc --root data

gives data/VOCdevkit/VOC2012 with SegmentationClassAug (indexed PNGs made from SBD) and
ImageSets/Segmentation/train_aug.txt (VOC train and all of SBD, without the images of VOC val).
About 3.3 GB are fetched. A broken download goes on where it stopped; a finished step is not done twice.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import tyro
from PIL import Image
from tqdm import tqdm

from crt.data import ErrorCollector, voc_palette
from crt.errors import InvalidDataset, InvalidSetting, reason_of
from crt.io_utils import atomic_path, write_text
from scripts.cli import run_cli

CHUNK = 1 << 20
ATTEMPTS = 5
TIMEOUT = 60  # seconds without a byte
MASK_NAME = re.compile(r"\d{4}_\d{6}\.mat")  # nothing else of the archive becomes a file name


@dataclass(frozen=True)
class Download:
    """Where from and where to; the defaults are the official archives."""

    root: Path = Path("data")
    """Folder that gets VOCdevkit/VOC2012 and keeps the archives in downloads/."""
    sbd: bool = True
    """Also fetch SBD and make SegmentationClassAug and train_aug."""
    voc_url: str = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar"
    """Address of the archive of PASCAL VOC 2012."""
    voc_md5: str = "6cd6e144f989b92b3379bac3b3de84fd"
    """MD5 of that archive; another one is refused."""
    sbd_url: str = "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz"
    """Address of the archive of SBD."""
    sbd_md5: str = "82b4d87ceb2ed10f6038a1cba92111cb"
    """MD5 of that archive; another one is refused."""


def download(config: Download) -> dict[str, object]:
    """Do all steps that are not done yet; gives the devkit's path and what it holds.

    Raises InvalidDataset when a download cannot be completed or an archive is not what it should be.
    """
    voc = config.root / "VOCdevkit" / "VOC2012"
    downloads = config.root / "downloads"
    if not (voc / "ImageSets").is_dir():
        if voc.is_dir() and any(voc.iterdir()):
            raise InvalidDataset(f"{voc} holds files but no ImageSets: move it away, or give another --root.")
        archive = fetch(config.voc_url, config.voc_md5, downloads / "VOCtrainval_11-May-2012.tar")
        extract_voc(archive, voc)
    result: dict[str, object] = {"voc": str(voc)}
    split = voc / "ImageSets" / "Segmentation" / "train_aug.txt"
    if config.sbd and not split.is_file():
        _voc_splits(voc)
        archive = fetch(config.sbd_url, config.sbd_md5, downloads / "benchmark.tgz")
        convert_sbd(archive, voc)
    for name in ("train", "val", "train_aug"):
        file = split.with_name(f"{name}.txt")
        result[name] = len(file.read_text().split()) if file.is_file() else None
    return result


def fetch(url: str, md5: str, target: Path) -> Path:
    """Download to `target` through `target`.part, resuming what is there; the MD5 is checked before the rename.

    Raises InvalidDataset after ATTEMPTS broken connections, or for a file with another checksum.
    """
    if target.is_file():
        return target  # it only gets this name once it is verified
    if urllib.parse.urlsplit(url).scheme not in ("http", "https", "ftp", "file"):
        raise InvalidSetting(f"{url} is no address of an archive: give one that begins with https:// or file://.")
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            if _continue_download(url, part):
                break
            reason = "the connection ended early"
        except (OSError, http.client.HTTPException) as error:
            reason = reason_of(error)
    else:
        raise InvalidDataset(f"{url} could not be downloaded ({reason}); run this again to go on where it stopped.")
    if _md5(part) != md5:
        part.unlink()
        raise InvalidDataset(f"{url} has another MD5 than {md5}; run this again, or give the URL of a good copy.")
    os.replace(part, target)
    return target


def extract_voc(archive: Path, voc: Path) -> None:
    """Unpack VOCdevkit/VOC2012 of the archive to `voc`, which appears only when it is complete."""
    scratch = voc.parent.parent / ".unpacking"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            for member in tqdm(tar, desc=f"Unpacking {archive.name}", unit=" files"):
                _unpack(tar, member, scratch)
        unpacked = scratch / "VOCdevkit" / "VOC2012"
        if not (unpacked / "ImageSets").is_dir():
            raise InvalidDataset(f"{archive} holds no VOCdevkit/VOC2012; delete it and give the URL of a good copy.")
        voc.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked, voc)
    except (tarfile.TarError, EOFError) as error:
        raise InvalidDataset(
            f"{archive} cannot be unpacked safely ({reason_of(error)}); delete it and run this again."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def convert_sbd(archive: Path, voc: Path) -> None:
    """SBD's dataset/cls/*.mat -> SegmentationClassAug/*.png and ImageSets/Segmentation/train_aug.txt.

    Masks are uint8 (H, W), 0 background, class index + 1, in the VOC palette. Images of VOC val get none, so that
    nothing of val can slip into training. The archive is read as a stream; nothing of it is unpacked to disk.
    Raises InvalidDataset with every listed image that has no usable mask.
    """
    splits = voc / "ImageSets" / "Segmentation"
    train, val = _voc_splits(voc)
    folder = voc / "SegmentationClassAug"
    folder.mkdir(exist_ok=True)
    listed: set[str] = set()
    written: set[str] = set()
    problems = ErrorCollector(f"The SBD archive {archive}")
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tqdm(tar, desc=f"Converting {archive.name}", unit=" files"):
                path = PurePosixPath(member.name)
                if not member.isfile() or "dataset" not in path.parts:
                    continue
                if path.name in ("train.txt", "val.txt"):
                    listed |= set(_content(tar, member).decode().split())
                elif path.parent.name == "cls" and MASK_NAME.fullmatch(path.name) and path.stem not in val:
                    if _write_mask(_content(tar, member), folder / f"{path.stem}.png"):
                        written.add(path.stem)
                    else:
                        problems.add("unreadable masks", path.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidDataset(f"{archive} cannot be read ({reason_of(error)}); delete it and run this again.") from error
    if not listed:
        problems.add("missing lists", "dataset/train.txt, dataset/val.txt")
    for name in sorted(listed - val - written):
        problems.add("listed images without a mask", name)
    problems.raise_if_any()
    write_text(splits / "train_aug.txt", "\n".join(sorted(train | (listed - val))) + "\n")


def _voc_splits(voc: Path) -> tuple[set[str], set[str]]:
    """The ids of VOC's train and val. Raises InvalidDataset where the devkit is not whole."""
    files = [voc / "ImageSets" / "Segmentation" / f"{name}.txt" for name in ("train", "val")]
    try:
        train, val = (set(file.read_text(encoding="utf-8").split()) for file in files)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDataset(
            f"{voc} is no whole devkit ({reason_of(error)}: ImageSets/Segmentation/train.txt or val.txt); move it away "
            "and run this again."
        ) from error
    return train, val


def _continue_download(url: str, part: Path) -> bool:
    """Append to `part` what the server still has; True when it has the size that the server gave."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing after our last byte: complete, or another file: the MD5 decides
            return True
        raise
    with response:
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        start = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        bar = tqdm(desc=f"Downloading {part.stem}", total=total, initial=start, unit="B", unit_scale=True)
        with bar, part.open("ab" if resumed else "wb") as file:
            while block := response.read(CHUNK):
                file.write(block)
                bar.update(len(block))
            return total is None or file.tell() == total


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a file of the archive inside `folder`. The filters of tarfile came with Python 3.11.4 only."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise tarfile.TarError(f"{member.name} is no file or folder inside the archive")
    if member.isfile():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_content(tar, member))


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with tar.extractfile(member) or nullcontext(io.BytesIO()) as stream:
        return stream.read()


def _write_mask(mat: bytes, target: Path) -> bool:
    """Write GTcls.Segmentation of one MATLAB file as an indexed PNG; False when there is no such uint8 array."""
    from scipy.io import loadmat

    try:
        mask = np.asarray(loadmat(io.BytesIO(mat), variable_names=["GTcls"])["GTcls"]["Segmentation"][0, 0])
    except Exception:  # noqa: BLE001 - loadmat raises many types on damaged files; all mean the same here
        return False
    if mask.ndim != 2 or mask.dtype != np.uint8:
        return False
    image = Image.fromarray(mask)
    image.putpalette(voc_palette().tobytes())
    with atomic_path(target) as temporary:
        image.save(temporary, "PNG")
    return True


def main(config: Download) -> None:
    """Download and print what is there."""
    print(json.dumps(download(config), indent=2))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Download, description=__doc__), main))
