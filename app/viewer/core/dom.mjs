// Small helpers to build the page. Text from outside only ever enters through `text`, never as markup.

/** An element with attributes, `text`, `on` (listeners) and children.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {any}
 */
export function make(tag, attributes = {}, children = []) {
  const { text, on = {}, ...rest } = attributes;
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  if (text !== undefined) node.textContent = text;
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children);
  return node;
}

/** The element that has this data-role.
 * @param {Element} root
 * @param {string} role
 * @returns {any}
 */
export function part(root, role) {
  const found = root.querySelector(`[data-role="${role}"]`);
  if (!found) throw new Error(`the template lacks ${role}`);
  return found;
}

/** Load an image from a data URL.
 * @param {string} url
 * @returns {Promise<HTMLImageElement>}
 */
export function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error('the image could not be shown'));
    image.src = url;
  });
}

/** Write a text where it is another one: the same text written again would have the page laid out again.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Write a property of an element's own style where it is another one.
 * @param {{ style: Pick<CSSStyleDeclaration, 'getPropertyValue' | 'setProperty'> }} node
 * @param {string} name
 * @param {string} value as the browser gives it back
 */
export function setStyle({ style }, name, value) {
  if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}

/** @param {number} value */
export const percent = (value) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`;

/** The message of an error.
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
