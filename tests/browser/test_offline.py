"""Without a network one banner names what still works, and nothing covers its buttons."""

from playwright.sync_api import expect

from tests.browser.driver import changed, move, pixels, upload

COVERED = """() => [...document.querySelectorAll('button, input, select, a[href]')]
  .filter((node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .filter((node) => {
    node.scrollIntoView({ block: 'center', behavior: 'instant' });
    const { left, top, width, height } = node.getBoundingClientRect();
    const over = document.elementFromPoint(left + width / 2, top + height / 2);
    return width && over?.closest('[data-role=offline], [data-testid=toast-body]');
  })
  .map((node) => node.outerHTML)"""


def test_one_banner_names_what_works_and_covers_no_button(open_page, image):
    page = open_page()
    upload(page, image)
    page.wait_for_function("[...document.images].every((one) => one.complete)")  # the preview beside the maps, too
    banner = page.get_by_role("status").filter(has_text="Offline.")
    expect(banner).to_have_count(0)
    page.context.set_offline(True)
    expect(banner).to_be_visible()
    expect(page.get_by_text("still work")).to_have_count(1)
    before = pixels(page)
    move(page, "threshold", 0.7)
    page.locator('[data-role="colormap"]').select_option("magma")
    assert changed(before, pixels(page))
    assert page.evaluate(COVERED) == []
    page.context.set_offline(False)
    expect(banner).to_be_hidden()
