"""An image taken away while the page still waits for answers about it."""

from tests.browser.driver import settle, upload


def test_answers_about_an_image_that_is_gone_are_dropped(open_page, image):
    page = open_page()
    upload(page, image)
    page.get_by_role("button", name="Measure faithfulness").click()
    page.locator('[data-role="faithfulness-progress"]').wait_for()
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    page.wait_for_selector('.crt-viewer[data-state="empty"]')
    page.wait_for_timeout(4000)  # longer than the tiny networks take
    upload(page, image)
    settle(page)
