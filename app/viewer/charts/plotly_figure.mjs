// A chart's description as a figure of Plotly. Nothing here touches the page.

const MAX_MARKED_POINTS = 12; // points of a line up to which each has a marker
const SYMBOLS = ['circle', 'square', 'triangle-up', 'diamond', 'cross'];
const TICK_CHARS = 12; // of a line of a tick's label
const AXIS_CHARS = 32; // that the axis of a compact chart has room for
const PLAIN_NUMBER = '.4~g'; // d3's format for values without one of their own

/** Text that Plotly draws as it is: it reads a few tags and entities of HTML.
 * @param {string} text
 */
export const plain = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Whether a chart has no point to show.
 * @param {Crt.ChartSpec} spec
 */
export const isEmpty = ({ series }) => !series.some(({ points }) => points.some(([, y]) => Number.isFinite(y)));

/** The figure of a chart, as Plotly's functions take it.
 * @param {Crt.ChartSpec} spec
 * @param {(color: string) => string} resolve CSS colour -> one that Plotly can read
 * @returns {{ data: any[], layout: any }}
 */
export function figureOf(spec, resolve) {
  const bars = spec.kind === 'bars';
  const data = spec.series.map((one, k) => (bars ? barTrace(one, spec, resolve) : lineTrace(one, k, spec, resolve)));
  const ink = resolve('var(--ink)');
  const soft = resolve('var(--soft)');
  const marks = (spec.marks ?? []).map(({ x, y, color, text }) => ({
    type: 'scatter', mode: 'markers+text', x: [x], y: [y], text: [plain(text)], textposition: 'top center', cliponaxis: false, showlegend: false, hoverinfo: 'skip',
    textfont: { color: ink, weight: 600 }, marker: { size: 10, color: resolve('var(--card)'), line: { color: resolve(color), width: 2.5 } },
  }));
  const guides = spec.guides ?? [];
  return {
    data: [...data, ...marks],
    layout: {
      autosize: true,
      // Zoom and hidden lines stay while the same chart gets new numbers.
      uirevision: spec.title,
      margin: { l: 8, r: 16, t: 12, b: 8 },
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: 'ui-sans-serif, system-ui, sans-serif', size: 12, color: soft },
      hovermode: bars ? 'y unified' : 'x unified',
      hoverlabel: { bgcolor: resolve('var(--card)'), bordercolor: resolve('var(--line)'), font: { color: ink } },
      showlegend: spec.legend ?? spec.series.length > 1,
      legend: { orientation: 'h', yref: 'container', y: 0, yanchor: 'bottom', x: 0, ...(bars ? { traceorder: 'normal' } : {}) },
      barmode: 'group',
      xaxis: axis(bars ? spec.y : spec.x, resolve, false),
      yaxis: bars ? { ...axis(spec.x, resolve, true), autorange: 'reversed', title: undefined } : axis(spec.y, resolve, true),
      shapes: guides.map(({ x }) => ({ type: 'line', xref: 'x', yref: 'paper', x0: x, x1: x, y0: 0, y1: 1, line: { color: soft, width: 1, dash: 'dot' } })),
      annotations: guides.map(({ x, text }) => ({ xref: 'x', yref: 'paper', x, y: 0, text: plain(text), showarrow: false, xanchor: 'left', yanchor: 'bottom', font: { color: soft } })),
    },
  };
}

/** @param {Crt.ChartSeries} series
 *  @param {number} k
 *  @param {Crt.ChartSpec} spec
 *  @param {(color: string) => string} resolve
 */
function lineTrace({ name, color, dash, points, half_range: half = [], marks }, k, { y }, resolve) {
  const drawn = resolve(color);
  const lined = points.filter(([, value]) => Number.isFinite(value)).length <= MAX_MARKED_POINTS ? 'lines+markers' : 'lines';
  return {
    type: 'scatter',
    mode: marks ? 'markers' : lined,
    name: plain(name),
    x: points.map(([x]) => x),
    y: points.map(([, value]) => (Number.isFinite(value) ? value : null)),
    line: { color: drawn, width: 2, dash: dash ?? 'solid' },
    marker: marks === 'hollow' ? { color: drawn, size: 13, symbol: 'circle-open', line: { width: 2 } } : { color: drawn, size: 7, symbol: SYMBOLS[k % SYMBOLS.length] },
    hovertemplate: `%{y:${y.tickformat ?? PLAIN_NUMBER}}${half.length ? ' ± %{error_y.array:.3~g}' : ''}`,
    ...(half.length ? { error_y: { type: 'data', array: half, color: drawn, thickness: 1.2, width: 3 } } : {}),
  };
}

/** @param {Crt.ChartSeries} series
 *  @param {Crt.ChartSpec} spec
 *  @param {(color: string) => string} resolve
 */
function barTrace({ name, color, points }, { y }, resolve) {
  return {
    type: 'bar', orientation: 'h', name: plain(name), marker: { color: resolve(color) },
    x: points.map(([, value]) => value), y: points.map(([category]) => category), hovertemplate: `%{x:${y.tickformat ?? PLAIN_NUMBER}}`,
  };
}

/** @param {Crt.ChartAxis} about
 *  @param {(color: string) => string} resolve
 *  @param {boolean} vertical
 */
function axis({ label, low, high, values, format, tickformat, zero }, resolve, vertical) {
  const ticks = values && { tickmode: 'array', tickvals: values, ticktext: values.map((value) => inLines(format ? format(value) : String(value), values.length)) };
  const open = low === undefined && high === undefined;
  return {
    title: { text: plain(label), standoff: 8 }, automargin: true, ticklabeloverflow: 'allow', zeroline: Boolean(zero), zerolinecolor: resolve('var(--soft)'), ticks: 'outside', ticklen: 4,
    gridcolor: resolve('var(--line)'), linecolor: resolve('var(--soft)'), tickcolor: resolve('var(--line)'), showgrid: vertical, showline: !vertical,
    hoverformat: tickformat ?? PLAIN_NUMBER,
    ...(tickformat && !ticks ? { tickformat } : {}),
    ...(open ? (zero ? { rangemode: 'tozero' } : {}) : low !== undefined && high !== undefined ? { range: margin(low, high) } : { rangemode: 'tozero' }),
    ...ticks,
  };
}

/** A tick's label, broken between words where a line would be longer than TICK_CHARS, or than its share of AXIS_CHARS.
 * @param {string} label
 * @param {number} ticks on the axis
 */
function inLines(label, ticks) {
  const most = Math.max(TICK_CHARS, AXIS_CHARS / ticks);
  /** @type {string[]} */
  const lines = [];
  for (const word of label.split(' ')) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map(plain).join('<br>');
}

/** A range with room for a line's width and for markers at its ends.
 * @param {number} low
 * @param {number} high
 */
const margin = (low, high) => [low - 0.02 * (high - low), high + 0.02 * (high - low)];
