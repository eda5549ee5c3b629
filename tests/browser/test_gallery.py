"""A gallery opened from the disk without a network: its index, and the page of an image."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.gallery.build import build_gallery
from app.gallery.settings import GallerySettings
from app.gallery.site import Site
from crt.pseudo_labels.label_png import save_labels
from tests.browser.driver import HOSTILE, PATIENCE, changed, move, new_page, open_tab, pixels, settle
from tests.browser.test_accessibility import barriers

SAFE = HOSTILE.replace("/", "")
NAMES = ("street/img2.png", "street/img10.png", f"{SAFE}.png")
CLASSES = ["cat", HOSTILE, "person"]
CARDS = '[data-role="cards"] > li'
NAMES_SHOWN = f"{CARDS} .name"
LOADED = "() => [...document.querySelectorAll('.cards img')].every((one) => one.complete && one.naturalWidth > 0)"


@pytest.fixture(scope="module")
def site(checkpoint, tmp_path_factory) -> Path:
    """Three images, two of them with masks, and a damaged one."""
    folder = tmp_path_factory.mktemp("gallery")
    images, masks = folder / "images", folder / "masks"
    (images / "street").mkdir(parents=True)
    masks.mkdir()
    for seed, name in enumerate(NAMES):
        small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(images / name)
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    labels = np.zeros((120, 160), np.uint8)
    labels[20:90, 30:110], labels[90:] = 1, 3
    for name in ("img2", "img10"):
        save_labels(masks / f"{name}.png", labels)
    other = folder / "other"
    other.mkdir()
    np.save(other / "img2.npy", np.arange(12, dtype=np.float32).reshape(3, 4))
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(other / "img10.png")
    cams = (("Grad-CAM", other), (HOSTILE[:60], other))
    settings = GallerySettings(images, folder / "site", checkpoint, masks, cams, size="224", mode="non-overlap")
    build_gallery(settings, lambda *_: None)
    return settings.out


@pytest.fixture
def open_site(browser):
    """Opens a file without a network; at the end no request beyond files is allowed."""
    troubles: list[str] = []
    contexts = []

    def open_one(path: Path, width: int = 1440, theme: str = "light", part: str = "") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.set_offline(True)
        page = context.new_page()
        own = ("file:", "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        page.goto(f"{path.as_uri()}{part}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


Opened = Callable[..., Page]


def many(site: Path, folder: Path, count: int, *, distinct: bool = False) -> Path:
    """The same gallery with many lines in its index; `distinct`: only number 100 has a page; all have a thumbnail."""
    shutil.copytree(site, folder)
    ids = sorted(path.stem for path in (folder / "pages").iterdir())
    entries = [
        {
            "id": f"none-{i}" if distinct and i != 100 else ids[i % len(ids)],
            "name": f"{i}.png",
            "width": 160,
            "height": 120,
            "masked": False,
            "classes": [[i % 3, 1 - i / count, None]],
        }
        for i in range(count)
    ]
    if distinct:
        thumbs = folder / "thumbs"
        for missing in {f"{entry['id']}.jpg" for entry in entries} - {path.name for path in thumbs.iterdir()}:
            shutil.copyfile(thumbs / f"{ids[0]}.jpg", thumbs / missing)
    record = {"title": "Many", "checkpoint": "tiny", "threshold": 0.15, "classes": CLASSES, "masks": False}
    Site(folder).write_index({**record, "images": entries, "failed": []})
    return folder / "index.html"


def numbers(page: Page, pattern: str) -> list[float]:
    """The numbers below the thumbnails."""
    found = (re.search(pattern, text) for text in page.locator(f"{CARDS} .facts").all_text_contents())
    return [float(match[1]) for match in found if match]


def image_page(site: Path, name: str) -> Path:
    """The page of an image: its id begins with its name."""
    (found,) = (site / "pages").glob(f"{name}-*.html")
    return found


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_index_has_every_image_and_what_failed(site: Path, open_site: Opened, width, theme):
    page = open_site(site / "index.html", width, theme)
    expect(page.locator(CARDS)).to_have_count(3)
    expect(page.locator("h1")).to_have_text("images")
    assert page.locator("h1").count() == 1 and page.title() == "images"
    page.wait_for_function(LOADED)
    assert page.locator(NAMES_SHOWN).all_text_contents()[-2:] == ["street/img2.png", "street/img10.png"]
    expect(page.locator(NAMES_SHOWN).first).to_have_text(f"{SAFE}.png")
    expect(page.locator('[data-role="count"]')).to_contain_text("3 images")
    page.get_by_text("1 file could not be used").click()
    expect(page.locator('[data-role="failed-list"] li')).to_contain_text("broken.jpg: ")
    assert ("dark" in page.evaluate("document.body.className")) is (theme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert barriers(page, preload=False) == []
    small = page.evaluate(
        "() => [...document.querySelectorAll('input, select, button, summary')]"
        ".filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44).length"
    )
    assert small == 0


def test_images_are_filtered_and_sorted_and_the_address_keeps_it(site: Path, open_site: Opened):
    page = open_site(site / "index.html")
    names = page.locator(NAMES_SHOWN)
    page.get_by_role("searchbox", name="File name").fill("STREET 10")
    expect(names).to_have_text(["street/img10.png"])
    expect(page.locator('[data-role="count"]')).to_contain_text("1 of 3 images")
    page.wait_for_function("() => location.hash.includes('q=STREET')")
    page.reload()
    expect(names).to_have_text(["street/img10.png"])
    expect(page.get_by_role("searchbox", name="File name")).to_have_value("STREET 10")
    page.get_by_role("button", name="Show all").click()
    expect(names).to_have_count(3)
    page.get_by_label("Score to").fill("0")
    expect(names).to_have_count(0)
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Class").select_option(index=1)
    with_class = names.count()
    assert 0 < with_class <= 3
    expect(page.locator(f"{CARDS} .facts").first).to_contain_text(" %")
    page.get_by_role("button", name="Show all").click()
    for order, sign in (("low", 1), ("high", -1)):
        page.get_by_label("Sort by").select_option(f"score-{order}")
        scores = numbers(page, r"([\d.]+) %")
        assert len(scores) == 3 and scores == sorted(scores, key=lambda score: sign * score)
    page.get_by_label("Class").select_option(str(CLASSES.index("person")))
    for order, sign in (("low", 1), ("high", -1)):
        page.get_by_label("Sort by").select_option(f"iou-{order}")
        ious = numbers(page, r"person .*IoU ([\d.]+)")
        assert len(ious) == 2 and ious == sorted(ious, key=lambda iou: sign * iou)


def test_what_is_typed_as_the_address_follows_stays(site: Path, open_site: Opened):
    page = open_site(site / "index.html")
    expect(page.locator(CARDS)).to_have_count(3)
    page.evaluate(
        """() => {
          const field = document.querySelector('[data-role=text]'), timer = window.setTimeout;
          const type = (text) => { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })); };
          window.setTimeout = (act, ms) => timer(ms === 400 ? () => {
            window.setTimeout = timer;
            act();
            type('img2');
          } : act, ms);
          type('img');
        }"""
    )
    expect(page).to_have_url(re.compile("#q=img2$"))
    expect(page.get_by_role("searchbox", name="File name")).to_have_value("img2")
    expect(page.locator(NAMES_SHOWN)).to_have_text(["street/img2.png"])


def test_an_address_opens_its_list(site: Path, open_site: Opened):
    page = open_site(site / "index.html", part="#q=img2&sort=score-high")
    expect(page.locator(NAMES_SHOWN)).to_have_text(["street/img2.png"])
    expect(page.get_by_label("Sort by")).to_have_value("score-high")
    page.evaluate("location.hash = '#q=img10'")
    expect(page.locator(NAMES_SHOWN)).to_have_text(["street/img10.png"])
    expect(page.get_by_label("Sort by")).to_have_value("name")


def test_thousands_of_images_take_pages_and_load_what_is_in_sight(site: Path, open_site: Opened, tmp_path: Path):
    page = open_site(many(site, tmp_path / "many", 5000), 390)
    expect(page.locator(CARDS)).to_have_count(60)
    expect(page.locator('[data-role="page"]')).to_have_text("Page 1 of 84")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-role="page"]')).to_have_text("Page 2 of 84")
    expect(page.locator(NAMES_SHOWN).first).to_have_text("60.png")
    assert page.evaluate("document.activeElement === document.querySelector('.cards a')")
    assert page.locator(".cards img:not([loading=lazy])").count() == 0
    page.get_by_role("searchbox", name="File name").fill("4999")
    expect(page.locator(CARDS)).to_have_count(1)
    expect(page.locator('[data-role="pages"]')).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_card_opens_the_page_of_its_image_and_back_leads_to_the_list(site: Path, open_site: Opened):
    page = open_site(site / "index.html", part="#q=img10")
    page.get_by_role("link", name="street/img10.png").click()
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    expect(page.locator("h1")).to_have_text("street/img10.png")
    assert page.locator("h1").count() == 1 and page.title() == "street/img10.png – CRT explorer"
    page.go_back()
    expect(page.locator(NAMES_SHOWN)).to_have_text(["street/img10.png"])
    page.go_forward()
    expect(page.locator('[data-role="image-position"]')).to_have_text("1 of 1")
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page.locator(NAMES_SHOWN)).to_have_text(["street/img10.png"])
    expect(page.get_by_role("searchbox", name="File name")).to_have_value("img10")


def test_from_image_to_image_in_the_order_of_the_list(site: Path, open_site: Opened):
    page = open_site(site / "index.html", part="#q=street&sort=score-low")
    expect(page.locator(NAMES_SHOWN)).to_have_count(2)
    first, second = page.locator(NAMES_SHOWN).all_text_contents()
    page.locator(f"{CARDS} a").first.click()
    heading, position = page.locator("h1"), page.locator('[data-role="image-position"]')
    expect(heading).to_have_text(first)
    expect(position).to_have_text("1 of 2")
    previous, following = (page.get_by_role("link", name=name) for name in ("Previous", "Next"))
    expect(previous).to_be_hidden()
    following.click()
    expect(heading).to_have_text(second)
    expect(position).to_have_text("2 of 2")
    expect(following).to_be_hidden()
    page.keyboard.press("ArrowRight")  # the last one
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text(first)
    expect(position).to_have_text("1 of 2")
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    page.locator('[data-role="loops"]').focus()
    page.keyboard.press("ArrowRight")  # the slider's own
    settle(page)
    expect(heading).to_have_text(first)
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page.locator(NAMES_SHOWN)).to_have_text([first, second])
    expect(page.get_by_label("Sort by")).to_have_value("score-low")
    expect(page.locator(f"{CARDS} a").first).to_be_focused()


def test_the_gallery_is_shown_where_it_was_left(site: Path, open_site: Opened, tmp_path: Path):
    index = many(site, tmp_path / "place", 200, distinct=True)
    page = open_site(index, 390, part="#page=2")
    expect(page.locator('[data-role="page"]')).to_have_text("Page 2 of 4")
    card = page.locator(f"{CARDS} a").nth(40)
    name = card.locator(".name").text_content()
    card.click()
    expect(page.locator('[data-role="image-position"]')).to_have_text("101 of 200")
    focused = page.locator(f"{CARDS} a:focus .name")
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page.locator('[data-role="page"]')).to_have_text("Page 2 of 4")
    expect(focused).to_have_text(name or "")
    expect(focused).to_be_in_viewport()
    page.go_back()  # to the image
    page.go_back()
    expect(page.locator('[data-role="page"]')).to_have_text("Page 2 of 4")
    expect(focused).to_have_text(name or "")
    expect(focused).to_be_in_viewport()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_page_of_an_image_opens_at_the_defaults_of_the_checkpoint(site: Path, open_site: Opened, width, theme):
    page = open_site(image_page(site, "img2"), width, theme)
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    assert page.locator('[data-role="loops"]').input_value() == "2"
    assert page.locator('[data-role="threshold"]').input_value() == "0.15"
    expect(page.locator('[data-role="message"]').first).to_be_hidden()
    before = pixels(page)
    move(page, "loops", 0)
    assert changed(before, pixels(page)) == {"crt"}
    page.locator(".class-row").filter(has_text="cat").click()
    settle(page)
    expect(page.locator('[data-role="ground-truth-source"]')).to_contain_text("cat: the mask of this image")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_chart_of_an_image_takes_plotly_from_the_shared_folder(site: Path, open_site: Opened):
    page = open_site(image_page(site, "img2"))
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    open_tab(page, "Ablate")
    page.locator('[data-role="ablate-show-curves"]').click()
    expect(page.locator('[data-role="ablate-curves"] .main-svg').first).to_be_visible()
    assert page.locator('script[src$="shared/plotly.js"]').count() == 1


def test_cams_of_other_methods_are_panels(site: Path, open_site: Opened):
    page = open_site(image_page(site, "img2"))
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    expect(page.locator(".panels > .panel").filter(has_text="Grad-CAM")).to_be_visible()
    options = page.locator('[data-role="added_panel"] option').all_text_contents()
    assert [name for name in options if name in ("Grad-CAM", HOSTILE[:60])] == ["Grad-CAM", HOSTILE[:60]]
    page.locator('[data-role="added_panel"]').select_option(label=HOSTILE[:60])
    expect(page.locator(".panels > .panel").filter(has_text=HOSTILE[:60])).to_be_visible()


def test_a_link_in_the_address_of_an_image_sets_the_screen(site: Path, open_site: Opened):
    page = open_site(image_page(site, "img2"), part="?v=1&l=1")
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)
    assert page.locator('[data-role="loops"]').input_value() == "1"


def test_names_and_classes_of_users_are_no_markup(site: Path, open_site: Opened):
    page = open_site(site / "index.html")
    expect(page.locator(CARDS)).to_have_count(3)
    page.get_by_role("link", name=f"{SAFE}.png").click()
    expect(page.locator("h1")).to_have_text(f"{SAFE}.png")
    page.wait_for_selector("canvas[data-method=crt]")
    assert page.title() == f"{SAFE}.png – CRT explorer"


@pytest.mark.parametrize("refused", [("/shared/", "/img2-")])
def test_a_page_without_the_shared_folder_names_what_is_missing(site: Path, browser, tmp_path: Path):
    page = new_page(browser, 1440)
    path = shutil.copy(image_page(site, "img2"), tmp_path)
    page.goto(Path(path).as_uri())
    expect(page.locator('[data-role="message"]')).to_contain_text('it needs the folder "shared" of its gallery')
    page.close()
