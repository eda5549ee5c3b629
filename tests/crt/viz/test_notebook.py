"""The Plotly figure of a Prediction: what is drawn, at which pixels, and its texts."""

from __future__ import annotations

import base64
import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import crt
from crt.errors import InvalidSetting
from crt.resample import upsample_cam
from crt.viz.notebook import PANEL
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def prediction(tmp_path_factory):
    return crt.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), device="cpu")(make_image())


def make_image(height: int = 60, width: int = 90) -> np.ndarray:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    return np.stack([np.tile(ramp, (height, 1)), noise, noise.T.reshape(height, width)], -1)


def texts(figure) -> str:
    return " | ".join([figure.layout.title.text, *(one.text for one in figure.layout.annotations)])


def test_every_method_stands_beside_the_image(prediction):
    figure = prediction.figure("dog")
    assert [trace.name for trace in figure.data] == ["ResNet", "TS-CAM", "CRT", "CRT's CNN"]
    assert [trace.xaxis for trace in figure.data] == ["x2", "x3", "x4", "x5"]
    assert [one.xref for one in figure.layout.images] == ["x", "x2", "x3", "x4", "x5"]
    for one in figure.layout.images:
        assert (one.x, one.y, one.sizex, one.sizey, one.layer) == (0, 0, 90, 60, "below")
    for axis in ("", "2", "3", "4", "5"):
        assert figure.layout[f"xaxis{axis}"].range == (0, 90) and figure.layout[f"yaxis{axis}"].range == (60, 0)


def test_the_values_are_the_raw_ones_at_their_pixels(prediction):
    spec = crt.CamSpec(loops=1, refined=False)
    (trace,) = prediction.figure("dog", methods="crt", spec=spec).data
    height, width = trace.z.shape
    assert (width, height) == (PANEL, PANEL * 60 // 90)
    cells = prediction.cams("crt", classes="dog", spec=spec)
    np.testing.assert_array_equal(trace.z, upsample_cam(cells, prediction.content_size("crt"), (height, width))[0])
    assert trace.zmin == 0 and trace.zmax == pytest.approx(trace.z.max()) and trace.z.max() > 0
    for start, step, count, side in ((trace.x0, trace.dx, width, 90), (trace.y0, trace.dy, height, 60)):
        assert start == pytest.approx(step / 2) and step * count == pytest.approx(side)
    assert "%{z:.4g} raw CAM<" in trace.hovertemplate and "%{x:.0f} px, y %{y:.0f} px" in trace.hovertemplate


def test_the_image_below_is_the_one_that_was_run(prediction):
    source = prediction.figure("dog").layout.images[0].source
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2]))))
    assert drawn.shape == (240, 360, 3)
    assert np.abs(drawn[:, ::4, 0].mean(0) - make_image()[0, :, 0]).max() < 4


def test_the_caption_names_what_is_drawn(prediction):
    figure = prediction.figure("dog", spec=crt.CamSpec(loops=2, refined=True))
    assert "<b>dog</b> · 2 loops · refined: attention averaged over all blocks" in texts(figure)
    assert figure.layout.title.text.endswith("checkpoint tiny")
    for method, title in (("tscam", "TS-CAM"), ("crt", "CRT")):
        score = prediction.scores(method, 2 if method == "crt" else 0)[1]
        assert f"{title}<br><sub>score {score:.2f} (logit)</sub>" in texts(figure)
    units = [trace.colorbar.title.text for trace in figure.data]
    assert units == ["raw CAM", "raw CAM × attention", "raw CAM × attention", "raw CAM"]
    plain = prediction.figure("dog", spec=crt.CamSpec(loops=1, refined=False))
    assert "1 loop · not refined" in texts(plain)
    assert {trace.colorbar.title.text for trace in plain.data} == {"raw CAM"}
    alone = replace(prediction, records={"resnet": prediction.records["resnet"]})
    assert "loop" not in texts(alone.figure("dog")) and "refined" not in texts(alone.figure("dog"))


def test_the_class_with_the_highest_score_is_the_default(prediction):
    best = prediction.classes[int(prediction.scores("crt").argmax())]
    assert f"<b>{best}</b>" in texts(prediction.figure())


def test_names_of_a_checkpoint_are_text(prediction):
    hostile = replace(prediction, classes=("<i>cat</i> %{x}", "b", "c"), provenance={"checkpoint": "<b>x"})
    assert "<b>&lt;i&gt;cat&lt;/i&gt; %{x}</b>" in texts(hostile.figure(0)) and "&lt;b&gt;x" in texts(hostile.figure(0))
    assert "cat" not in str([trace.hovertemplate for trace in hostile.figure(0).data])


def test_an_empty_cam_is_drawn(prediction):
    record = prediction.records["resnet"]
    empty = replace(prediction, records={"resnet": replace(record, cams=np.zeros_like(record.cams))})
    (trace,) = empty.figure("cat").data
    assert trace.z.max() == 0 and trace.zmax == 1


def test_a_prediction_from_a_file_is_given_its_image(prediction):
    read = replace(prediction, image=None)
    with pytest.raises(InvalidSetting, match="does not keep its image: give the image too"):
        read.figure("cat")
    with pytest.raises(InvalidSetting, match="has 60 × 90 pixels, and the one that was run 90 × 60"):
        read.figure("cat", image=make_image().transpose(1, 0, 2))
    one, two = read.figure("cat", image=make_image()), prediction.figure("cat")
    assert one.to_json() == two.to_json()


@pytest.mark.parametrize("ask", [{"class_": "cot"}, {"methods": "vgg"}, {"class_": ["cat", "dog"]}])
def test_what_is_not_recorded_is_refused(prediction, ask):
    with pytest.raises(InvalidSetting):
        prediction.figure(**ask)


def test_without_plotly_the_message_names_it(prediction, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "plotly"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(InvalidSetting, match=r"^Plotly, which draws figures, is not installed: pip install plotly\.$"):
        prediction.figure("cat")
