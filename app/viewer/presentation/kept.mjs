// What scenes show, by key: runs and answers of the server. It is kept in this browser (IndexedDB), so that a scene needs
// neither its image nor the server; in a file of its own it comes from the file and stays in memory.

const DATABASE = 'crt-scenes';
const STORE = 'kept';

/** @typedef {import('./scene_file.mjs').Kept} Kept */
/** @typedef {{ get(key: string): Promise<Kept | undefined>, put(key: string, value: Kept): Promise<unknown>, keys(): Promise<string[]>, remove(key: string): Promise<unknown> }} Database */

/** Values by key, in memory and in a database where there is one.
 * @param {Promise<Database | null>} database
 */
export function createKept(database) {
  /** @type {Map<string, Kept>} */
  const memory = new Map();
  return {
    /** Keep a value -> whether it outlives this page.
     * @param {string} key
     * @param {Kept} value
     */
    async put(key, value) {
      memory.set(key, value);
      try {
        const stored = await database;
        await stored?.put(key, value);
        return stored !== null;
      } catch {
        return false; // no room on this disk: the value stays in memory
      }
    },
    /**
     * @param {string} key
     * @returns {Promise<Kept | undefined>}
     */
    async get(key) {
      const known = memory.get(key);
      if (known) return known;
      const found = await (await database)?.get(key).catch(() => undefined); // as if it had not been kept
      if (found) memory.set(key, found);
      return found;
    },
    /** Drop all values but these.
     * @param {Set<string>} wanted
     */
    async keepOnly(wanted) {
      for (const key of [...memory.keys()]) if (!wanted.has(key)) memory.delete(key);
      const stored = await database;
      const keys = await stored?.keys().catch(() => []);
      for (const key of keys ?? []) if (!wanted.has(key)) await stored?.remove(key).catch(() => {}); // the next time, then
    },
  };
}

/** The database of this browser, null where there is none, as in a private window.
 * @returns {Promise<Database | null>}
 */
export async function openDatabase() {
  /** @type {IDBDatabase} */
  let database;
  try {
    const opening = window.indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    database = await answerOf(opening);
  } catch {
    return null;
  }
  const store = (/** @type {IDBTransactionMode} */ mode) => database.transaction(STORE, mode).objectStore(STORE);
  return {
    get: async (key) => answerOf(store('readonly').get(key)),
    put: async (key, value) => answerOf(store('readwrite').put(value, key)),
    keys: async () => (await answerOf(store('readonly').getAllKeys())).map(String),
    remove: async (key) => answerOf(store('readwrite').delete(key)),
  };
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const answerOf = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
