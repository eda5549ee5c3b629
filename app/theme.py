"""The style of the page around the viewer."""

from __future__ import annotations

from collections.abc import Mapping

from gradio import themes

from crt.types import METHODS
from crt.viz.chart_colours import DARK_RAMP, DARK_TONES, RAMP, TONES

ACCENT, DARK_ACCENT = "#334155", "#cbd5e1"
"""Of what is chosen or focused, on a light and on a dark background: greys, as hues are those of networks and ramps."""

HEADER = """<header class="crt-title">
<h1>CRT explorer</h1>
<p>Class activation maps of a CNN, of a vision transformer, and of both trained together from image labels alone.
<a href="https://arxiv.org/abs/2209.15211" target="_blank" rel="noopener">The paper</a></p>
</header>"""


def _variables(tones: Mapping[str, str], accent: str, ramp: tuple[str, str]) -> str:
    networks = "".join(f"--crt-{method}: {tones[method]}; " for method in METHODS)
    return f"{networks}--crt-accent: {accent}; --ramp-first: {ramp[0]}; --ramp-last: {ramp[1]};"


COLOURS = f"""
:root {{ {_variables(TONES, ACCENT, RAMP)} }}
.dark {{ {_variables(DARK_TONES, DARK_ACCENT, DARK_RAMP)} }}
"""
"""Variables of the networks' colours and of ramps."""

CSS = (
    COLOURS
    + """\
@keyframes skeleton { from { background-position: 100% 0; } to { background-position: 0 0; } }
.gradio-container { max-width: none !important; overflow: clip !important; }
.gradio-container main.app, .gradio-container > .main {
  max-width: 1760px !important; margin: 0 auto; padding: 12px clamp(12px, 2vw, 28px) !important;
}
#crt-header .html-container, #crt-maps .html-container { padding: 0 !important; }
.crt-title { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 16px; margin-bottom: -10px; }
.crt-title h1 { font-size: 22px; font-weight: 700; margin: 0; letter-spacing: -.01em; color: var(--body-text-color); }
.crt-title p { margin: 0; color: var(--body-text-color-subdued); font-size: 14px; }
.crt-title a { color: var(--link-text-color); text-decoration: underline; text-underline-offset: 2px;
  white-space: nowrap; }
@media (max-width: 699px) { .crt-title p { display: none; } }
/* The viewer has a place for the upload and for the fields; until it has taken them they are not in sight. */
#crt-row > #crt-side { display: none; }
#crt-main { flex: 1 1 100%; min-width: 0 !important; }
#crt-side { gap: 10px !important; }
#crt-side .form { border: 0; background: none; box-shadow: none; gap: 10px; }
#crt-side .block { padding: 0 !important; border: 0 !important; background: none; box-shadow: none; }
#crt-side .info-text { font-size: 12px; }
@media (min-width: 700px) {
  .crt-viewer[data-state="empty"] #crt-side > .form {
    display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start;
  }
}
#crt-maps .pending { opacity: .6 !important; }
#crt-main [data-testid="status-tracker"] {
  background: color-mix(in srgb, var(--body-background-fill) 45%, transparent) !important;
}
/* Drawn by a script at every frame, on the cores that the networks need; the clock shows that the page is alive. */
#crt-main [data-testid="status-tracker"] svg { display: none; }
#crt-main [data-testid="status-tracker"] :is(.progress-text, .progress-level) {  /* in sight wherever it scrolls */
  position: fixed; z-index: 50; top: 45vh; left: 50%; transform: translateX(-50%);
  width: min(90vw, 420px); height: auto; padding: 10px 14px; border-radius: 10px;
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary);
}
#crt-main:has(.progress-text, .progress-level) { position: relative; z-index: 50; }  /* over the labels of the fields */
#crt-main [data-testid="status-tracker"] .progress-text {
  top: calc(45vh - 46px); width: max-content; color: var(--body-text-color); animation: crt-late 0s .5s backwards;
}
#crt-main:has(.crt-viewer[data-state="partial"]) [data-testid="status-tracker"] {  /* maps are there already */
  background: none !important; pointer-events: none;
}
#crt-main:has(.crt-viewer[data-state="partial"]) :is(.progress-text, .progress-level) { display: none; }
#crt-maps:has(.crt-viewer[data-state="partial"]) .pending { opacity: 1 !important; }
@keyframes crt-late { from { visibility: hidden; } }
footer { margin-top: 8px !important; }
footer .divider { display: none; }
"""
)


def theme() -> themes.Base:
    """Calm greys and one accent; fonts of the machine, so that nothing is fetched from elsewhere."""
    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    base = themes.Base(
        primary_hue="slate",
        neutral_hue="zinc",
        font=fonts,
        font_mono=["ui-monospace", "monospace"],
        radius_size="lg",
    )
    soft, soft_dark = TONES["soft"], DARK_TONES["soft"]  # at least 4.5 : 1 on every background of the page
    return base.set(
        body_text_color_subdued=soft,
        body_text_color_subdued_dark=soft_dark,
        block_info_text_color=soft,
        block_info_text_color_dark=soft_dark,
    )
