// Parts of the page whose modules are loaded when they are first needed.

import { RequestError } from './rpc.mjs';

const NOT_LOADED = 'A part of the page could not be loaded: check the connection and reload the page.';

/** What a load of a module gives. Throws RequestError where it cannot be had.
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
export const loaded = (load) => load().catch((error) => {
  throw new RequestError('failed', NOT_LOADED, { cause: error });
});

/** Parts by name, each loaded and mounted once. `mount` gets what the load of a part gives; a load gets `need`, for a part that
 *  stands on another.
 * @template T
 * @param {Record<string, (need: (name: string) => Promise<void>) => Promise<T>>} parts
 * @param {(part: T) => void} mount
 */
export function createLater(parts, mount) {
  /** @type {Map<string, Promise<void>>} */
  const known = new Map(); // of those that are needed
  /** @type {Set<string>} */
  const here = new Set();

  /** Have the part of a name mounted; nothing for a name without one. Throws RequestError where it cannot be loaded, and the next
   *  call tries it again.
   * @param {string} name
   * @returns {Promise<void>}
   */
  function need(name) {
    if (!Object.hasOwn(parts, name)) return Promise.resolve();
    const waiting = known.get(name);
    if (waiting) return waiting;
    const loading = loaded(() => parts[name](need)).then((part) => {
      mount(part);
      here.add(name);
    }, (error) => {
      known.delete(name);
      throw error;
    });
    known.set(name, loading);
    return loading;
  }

  return {
    need,
    /** Whether nothing has to be loaded for a name: its part is mounted, or it has none.
     * @param {string} name
     */
    isHere: (name) => here.has(name) || !Object.hasOwn(parts, name),
  };
}
