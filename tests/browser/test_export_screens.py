"""Each tab's export shows what the tab shows: the panels of the two are compared as images, whatever the fonts."""

import base64
import io
import re
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import move, open_tab, settle, upload
from tests.browser.test_export_page import download

SVG = "{http://www.w3.org/2000/svg}"
SIDE = 64  # pixels to which panels are brought before they are compared
ALIKE = 6.0  # levels of 255 by which a panel may differ from its export on average
LEAST = 20.0  # points, height of an image that is no colour bar
DRAWN = (
    "selector => [...document.querySelectorAll(selector)].filter(one => one.offsetParent).map(one => one.toDataURL())"
)


def on_the_page(page, selector: str) -> list[np.ndarray]:
    """The canvases in sight, as small images."""
    settle(page)
    return [
        small(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))) for url in page.evaluate(DRAWN, selector)
    ]


def exported(page) -> tuple[dict[str, bytes], list[np.ndarray]]:
    """The files of the ZIP, and the panels of its figure in the order in which they were drawn."""
    with zipfile.ZipFile(io.BytesIO(download(page, "Everything"))) as zipped:
        files = {name: zipped.read(name) for name in zipped.namelist()}
    tree = ElementTree.fromstring(files["figure.svg"])
    figure = Image.open(io.BytesIO(files["figure.png"]))
    scale = figure.info["dpi"][0] / 72
    high = scale * float(tree.get("viewBox", "").split()[3])  # the PNG has whole pixels, counted from the bottom
    panels = []
    for node in tree.iter(f"{SVG}image"):
        across, _, _, down, left, top = map(float, re.findall(r"-?[\d.]+", node.get("transform", "")))
        width, height = across * float(node.get("width", "nan")), down * float(node.get("height", "nan"))
        if height > LEAST:
            x0, x1 = scale * left, scale * (left + width)
            y0, y1 = (figure.height - high + scale * at for at in (top, top + height))
            panels.append(small(figure, (x0, y0, x1, y1)))
    return files, panels


def small(image: Image.Image, part: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """An image, or a part of it between places in its pixels, as SIDE × SIDE points."""
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX, box=part), np.float64)


def compare(screen: list[np.ndarray], figure: list[np.ndarray]) -> None:
    """The same panels in the same order: each is near to its own, and to no other much nearer."""
    assert len(screen) == len(figure)
    away = np.array([[np.abs(one - other).mean() for other in figure] for one in screen])
    assert away.diagonal().max() < ALIKE, away.diagonal()
    assert (away.diagonal() - away.min(1)).max() < 0.2 * ALIKE
    assert len(screen) == 1 or away.max() > 2 * away.diagonal().mean()


@pytest.fixture
def page(open_page, image):
    page = open_page(accept_downloads=True)
    upload(page, image)
    return page


def test_explore(page):
    page.locator('[data-role="panels-shown"] [data-name="input"]').click()
    move(page, "threshold", 0.4)
    compare(on_the_page(page, ".panel canvas.map"), exported(page)[1])
    page.locator('[data-role="overlay"]').select_option("mask")
    page.locator('[data-role="boxes"]').check()
    page.locator('[data-role="cells"]').check()
    compare(on_the_page(page, ".panel canvas.map"), exported(page)[1])


def test_the_difference(page):
    page.get_by_role("radio", name="Difference").check()
    compare(on_the_page(page, ".panel canvas.map"), exported(page)[1])


def test_two_classes_and_the_grid_of_classes(page):
    page.locator('[data-role="outline"]').uncheck()
    page.get_by_role("radio", name="Difference").check()
    page.locator('[data-role="a-class"]').select_option(label="cat")
    page.locator('[data-role="b-class"]').select_option(label="person")
    files, panels = exported(page)
    compare(on_the_page(page, ".panel canvas.map"), panels)
    assert {"mask_resnet_cat.png", "mask_crt_person.png"} <= set(files)
    page.get_by_role("radio", name="Classes").check()
    files, panels = exported(page)
    assert len(panels) == 9
    compare(on_the_page(page, ".panel canvas.map"), panels)


def test_masks(page):
    open_tab(page, "Masks")
    for note in ("walk", "deeplab"):
        expect(page.locator(f'[data-role="{note}-note"]')).to_contain_text("ms")
    page.locator('[data-role="mask-crf"]').set_checked(False, force=True)
    files, panels = exported(page)
    compare(on_the_page(page, ".mask-views canvas"), panels)
    assert {"mask_seed.png", "mask_walk.png", "mask_deeplab.png", "walk.npz"} <= set(files)
    for caption, name in (("After the random walk", "mask_walk.png"), ("The segmentation network", "mask_deeplab.png")):
        with page.expect_download() as waited:
            page.get_by_role("button", name=f"Save PNG: {caption}").click()
        assert waited.value.path().read_bytes() == files[name]
        with Image.open(io.BytesIO(files[name])) as mask:
            assert mask.mode == "P" and mask.size == (160, 120)


def test_layers(page):
    open_tab(page, "Layers")
    blocks, passes, heads = 6, 4, 2  # of the tiny transformer
    compare(on_the_page(page, ".layers-grid canvas"), exported(page)[1])
    page.locator(".layers-cell").nth(9).click()
    page.get_by_role("button", name="Show single heads and rollout").click()
    expect(page.locator('[data-role="layers-rollout"]')).to_be_visible()
    page.locator('[data-role="layers-head"]').select_option(index=2)
    screen = on_the_page(page, ".layers-tab canvas")
    files, figure = exported(page)
    assert len(figure) == len(screen) == blocks * passes + 1 + heads + passes
    compare(screen, figure)
    with np.load(io.BytesIO(files["attention.npz"])) as arrays:
        assert arrays["attention"].shape[:2] == (passes, blocks)
        assert len(arrays["heads"]) == heads


def test_ablate(page):
    open_tab(page, "Ablate")
    page.get_by_role("button", name="Run 5 sizes").click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("All 5 sizes are here")
    screen = on_the_page(page, '[data-role="ablate-sizes-grid"] canvas')
    files, figure = exported(page)
    assert len(screen) == 25
    compare(screen, figure)
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        assert {"row1_cell1", "row5_cell5"} <= set(arrays)
    page.get_by_role("button", name="Curves").click()
    settle(page)
    shown = page.locator('[data-role="ablate-curves"] .curve h3').filter(visible=True).all_inner_texts()
    files, _ = exported(page)
    said = {"".join(node.itertext()) for node in ElementTree.fromstring(files["figure.svg"]).iter(f"{SVG}text")}
    assert shown and set(shown) <= said
    assert sum(name.startswith("chart-") for name in files) == len(shown)
    page.get_by_role("button", name="Ladder").click()
    page.locator('[data-role="ablate-run"]').click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("The ladder is complete")
    compare(on_the_page(page, ".ladder canvas"), exported(page)[1])


def test_results(page):
    open_tab(page, "Results")
    section = page.locator("details.result").first
    section.locator("> summary").click()
    files, _ = exported(page)
    said = {"".join(node.itertext()) for node in ElementTree.fromstring(files["figure.svg"]).iter(f"{SVG}text")}
    cells = page.locator("details.result .result-table").first.locator("td").all_inner_texts()
    assert cells and set(cells) <= said
    values = page.locator(".class-table td").all_inner_texts()
    assert values and set(values) <= said
    tables = page.locator("details.result .result-table").count()
    assert sum(name.endswith(".csv") for name in files) == tables + 3  # set-up, claims, IoU by class


def test_results_before_any_image(open_page):
    page = open_page()
    assert page.get_by_role("button", name="Export").is_disabled()
    open_tab(page, "Results")
    files, _ = exported(page)
    assert {"claims.csv", "figure.pdf", "results.json"} <= set(files)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("menuitem")).to_have_count(5)  # no page of its own, no program
    page.keyboard.press("Escape")
    open_tab(page, "Explore")
    assert page.get_by_role("button", name="Export").is_disabled()
