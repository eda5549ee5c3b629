// The claim of the Results tab that an address names.

export const PREFIX = '#claim-';

/** The claim that the fragment of an address names, or null.
 * @param {string} hash
 * @param {Crt.Claim[]} claims
 */
export const claimOf = (hash, claims) => claims.find(({ id }) => hash === `${PREFIX}${id}`) ?? null;
