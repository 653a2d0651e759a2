/** What every part of the page is made of, in one place to import from. */

export * from "./api.js";
export * from "./dom.js";
export * from "./knobs.js";
export * from "./route.js";
export * from "./run.js";
export * from "./texts.js";
