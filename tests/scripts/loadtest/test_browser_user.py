"""The user in a browser, on a page that notes what it is given."""

from itertools import pairwise
from unittest.mock import MagicMock

import pytest

from scripts.loadtest.browser_user import BrowserUser


@pytest.mark.parametrize("images", [("a.jpg", "b.jpg", "c.jpg"), ("a.jpg",)])
def test_each_request_changes_what_is_shown(images):
    page = MagicMock()
    page.wait_for_function.return_value.json_value.return_value = {"message": ""}
    page.get_attribute.return_value = "a run"
    page.get_by_role.return_value.input_value.return_value = "224 px"
    user = BrowserUser(page, "http://127.0.0.1/", images, ("224", "336"), seed=0)
    assert not any(user.send().message for _ in range(60))
    given = [call.args[1] for call in page.set_input_files.call_args_list]
    assert set(given) == set(images)
    assert all(one != other for one, other in pairwise(given))
    sizes = [call.kwargs["name"] for call in page.get_by_role.call_args_list if call.args == ("option",)]
    assert set(sizes) == {"336"}
