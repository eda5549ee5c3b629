// A chart of the results as `createChart` takes it.

import { lineStyles } from '../charts/colors.mjs';

const MAX_X_TICKS = 12; // values on the x axis up to which each has its number

/** @param {{ title: string, x: string, y: string, lines: Crt.ResultLine[], x_labels?: string[] }} chart
 *  @returns {Crt.ChartSpec}
 */
export function lineSpec({ title, x, y, lines, x_labels: names = [] }) {
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const styles = lineStyles(lines.map(({ name }) => name));
  return {
    title,
    x: { label: x, format: (value) => names[value] ?? String(value), ...(xs.length <= MAX_X_TICKS ? { values: xs } : {}) },
    y: { label: y, format: (value) => String(Number(value.toFixed(1))), tickformat: '.1~f' },
    series: lines.map((line, i) => ({
      name: line.name, ...styles[i], points: line.x.map((value, at) => [value, line.y[at]]), half_range: line.half_range,
    })),
  };
}
