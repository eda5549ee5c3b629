// What scenes show: their runs and answers put away, found again, and gathered for a file.

import { RequestError, isDropped, sentenceOf } from '../core/rpc.mjs';
import { BadCam, checkAspect } from '../explore/cam_rules.mjs';
import { CAMS_KEY, keepSaved } from '../explore/file_cams.mjs';
import { decode, withoutFile } from '../permalink/query.mjs';
import { eventOf, imageIdOf, keysOf } from './scene_file.mjs';
import { MASKS_KEY } from './scene_masks.mjs';
import { fetchedRun } from './scene_runs.mjs';

/** @typedef {import('./scene_file.mjs').Kept} Kept */
/** @typedef {import('../explore/file_cams.mjs').SavedFile} SavedFile */

/**
 * @param {Crt.Page} page
 * @param {ReturnType<typeof import('./kept.mjs').createKept>} kept
 */
export function createSceneContents(page, kept) {
  /** The key of a scene's run as the server gives it, or undefined where it has no such image.
   * @param {Crt.Scene} scene
   * @param {AbortSignal} signal
   */
  async function fetched({ query }, signal) {
    try {
      const [run, value] = await fetchedRun(page, decode(query), signal);
      await kept.put(run, value);
      return run;
    } catch (error) {
      if (!(error instanceof RequestError) || isDropped(error)) throw error;
      return undefined;
    }
  }

  return {
    /** Take what a file has brought.
     * @param {Map<string, Kept>} values
     */
    take(values) {
      for (const [key, value] of values) {
        kept.put(key, value);
        if (!['run', CAMS_KEY, MASKS_KEY].includes(eventOf(key))) page.answers.put(key, value);
      }
    },
    /** The link of a scene with the map from its file, which is kept for the scene's image; without that map where it is not
     *  here or does not fit the image.
     * @param {Pick<Crt.Scene, 'query' | 'run' | 'file'>} scene
     * @returns {Promise<Crt.Link>}
     */
    async link({ query, run, file }) {
      const link = decode(query);
      if (link.settings.added_panel?.kind !== 'file') return link;
      const [header, given] = await Promise.all([run, file].map((key) => (key ? kept.get(key) : undefined)));
      const saved = /** @type {SavedFile | undefined} */ (/** @type {unknown} */ (given));
      const fits = saved && header && saved.cams.every(({ size }) => isLike(size, header.source));
      const settings = fits ? { ...link.settings, added_panel: { kind: /** @type {const} */ ('file'), id: keepSaved(imageIdOf(run), saved) } } : withoutFile(link.settings);
      return { ...link, settings };
    },
    /** The ground truth from files that a scene shows.
     * @param {Pick<Crt.Scene, 'masks'>} scene
     * @returns {Promise<import('./scene_masks.mjs').SavedMask[]>}
     */
    masks: async ({ masks }) => (masks ? (await kept.get(masks))?.masks ?? [] : []),
    /** Let page.answers have those of a scene.
     * @param {Pick<Crt.Scene, 'answers'>} scene
     */
    async restore({ answers = [] }) {
      for (const key of answers) {
        const answer = page.answers.get(key) ?? await kept.get(key);
        if (answer) page.answers.put(key, answer);
      }
    },
    /** The run of a scene, where it is kept here, else null. Throws where it cannot be shown.
     * @param {Pick<Crt.Scene, 'run'>} scene
     * @returns {Promise<Crt.View | null>}
     */
    async view({ run }) {
      const value = run && await kept.get(run);
      if (!value) return null;
      return page.open(/** @type {Crt.Run & Crt.Bytes & { bytes: ArrayBuffer }} */ (value));
    },
    /** Keep the answers that a scene shows; those that are still being computed are awaited. A column of the Ablate tab that
     *  was not run stays away. Gives a sentence about what is missing, or ''.
     * @param {string[]} keys
     * @param {import('./scene_answers.mjs').Needed[]} needed
     */
    async keep(keys, needed) {
      let problem = '';
      for (const key of keys) {
        const one = needed.find((found) => found.key === key);
        try {
          const answer = page.answers.get(key) ?? (one && one.event !== 'ablate' ? await page.request(one.event, one.details) : null);
          if (answer) await kept.put(key, answer);
        } catch (error) {
          if (!isDropped(error)) problem = sentenceOf(error);
        }
      }
      return problem && `A part of it is missing: ${problem}`;
    },
    /** The scenes with all that they show; a run that is not kept here is requested. `whole`: how many scenes have theirs.
     *  Throws RequestError.
     * @param {Crt.Scene[]} scenes
     * @param {AbortSignal} signal
     */
    async all(scenes, signal) {
      /** @type {Map<string, Kept>} */
      const found = new Map();
      /** @type {Crt.Scene[]} */
      const complete = [];
      for (const scene of scenes) {
        const run = scene.run && await kept.get(scene.run) ? scene.run : await fetched(scene, signal);
        const own = run ? { ...scene, run } : scene;
        complete.push(own);
        for (const key of keysOf([own])) {
          const value = await kept.get(key) ?? page.answers.get(key);
          if (value) found.set(key, value);
        }
      }
      return { scenes: complete, kept: found, whole: complete.filter(({ run }) => run && found.has(run)).length };
    },
  };
}

/** Whether a map of this size can cover an image.
 * @param {Crt.Size} size
 * @param {Crt.Size} image
 */
function isLike(size, image) {
  try {
    checkAspect(size, image);
    return true;
  } catch (error) {
    if (error instanceof BadCam) return false;
    throw error;
  }
}
