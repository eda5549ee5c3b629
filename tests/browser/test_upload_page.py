"""The upload: what Gradio's own component shows of a file."""

from playwright.sync_api import expect

from tests.browser.driver import settle, upload


def test_a_file_that_is_no_image_leaves_no_broken_icon(open_page, image, tmp_path):
    page = open_page()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no image")
    page.set_input_files("#crt-image input[type=file]", str(broken))
    expect(page.locator('[data-role="message"]')).to_be_visible()
    settle(page)
    seen = """nodes => nodes.filter(one => !one.naturalWidth && getComputedStyle(one).visibility !== 'hidden').length"""
    assert page.locator("#crt-image img").evaluate_all(seen) == 0


def test_the_page_shows_no_key_of_a_translation(open_page, image):
    page = open_page()
    upload(page, image)
    page.wait_for_timeout(6000)  # Gradio says that an event has ended after at most five seconds
    assert "common." not in page.evaluate("document.body.textContent")
