// Numbers as text, and round limits for scales.

/** A number with three figures, without needless zeros: 0.0123, 4.56, 1230.
 * @param {number} value
 */
export function figure(value) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** A number with its sign in front: +0.2, −0.2, 0.
 * @param {number} value
 */
export function signed(value) {
  return value > 0 ? `+${figure(value)}` : figure(value).replace('-', '−');
}

/** The least of 1, 2, 5 × a power of ten that is not below the value; 1 for 0.
 * @param {number} value
 */
export function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) if (step * power >= value * (1 - 1e-9)) return Number((step * power).toPrecision(1));
  return 10 * power;
}
