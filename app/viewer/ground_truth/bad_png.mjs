// What is wrong with a PNG.

/** What is wrong with a file, in one sentence with what to do. */
export class BadPng extends Error {}
