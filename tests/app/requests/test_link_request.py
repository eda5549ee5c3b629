import pytest

from app.core.engine import Engine
from app.core.input_sizes import start_size
from app.requests.link_request import LinkRequest
from crt.errors import InvalidSetting
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    folder = tmp_path_factory.mktemp("engine")
    other = tiny_checkpoint(folder / "other", name="birds", classes=("Ani", "Auklet"))
    return Engine(str(tiny_checkpoint(folder / "tiny")), extra_checkpoints=[str(other)])


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"act": "drop"},
        {"act": "keep"},
        {"act": ["show"]},
        {"act": "show", "pic": 3},
        {"act": "show", "pic": "ex.../x"},
        {"act": "show", "pic": "ex.cat\n"},
        {"act": "show", "pic": "sha." + "0" * 31},
        {"act": "show", "pic": "sha." + "0" * 33},
        {"act": "show", "pic": "sha." + "G" * 32},
        {"act": "show", "size": "100"},
        {"act": "show", "size": 336},
        {"act": "show", "size": {"a": 1}},
        {"act": "show", "pic": "ex.cat", "mode": "deconvolution"},
        {"act": "show", "mode": ["overlap"]},
        {"act": "show", "checkpoint": "unknown"},
        {"act": "show", "checkpoint": ["tiny"]},
    ],
)
def test_what_the_browser_sends_is_not_believed(details, engine):
    with pytest.raises(InvalidSetting):
        LinkRequest.of(details, engine)


def test_what_a_link_lacks_is_as_at_the_start(engine):
    first, second = engine.model, engine.others[0]
    shown = LinkRequest.of({"act": "show", "pic": "ex.cat"}, engine)
    assert shown == LinkRequest("show", "ex.cat", "336", "overlap", first)
    asked = {"act": "fetch", "pic": "sha." + "a" * 32, "size": "native", "mode": "bilinear"}
    assert LinkRequest.of(asked, engine) == LinkRequest("fetch", asked["pic"], "native", "bilinear", first)
    birds = LinkRequest.of({"act": "show", "checkpoint": second.config.name}, engine)
    assert birds.model is second and birds.size == start_size(second)


def test_the_image_on_the_page_takes_the_first_mode_of_a_checkpoint_without_its_own(engine):
    assert "deconvolution" not in engine.config.modes
    assert LinkRequest.of({"act": "show", "size": "224", "mode": "deconvolution"}, engine).mode == "overlap"
