/** The words of the page in the language of the browser. */

const LANGUAGES = ["en", "zh-CN"];

/** @type {Record<string, string>} */
let words = {};

/** The first language of the browser that there are texts in. */
export const language = navigator.languages.map(known).find(Boolean) ?? LANGUAGES[0];

/** @param {string} tag @returns {string | undefined} */
function known(tag) {
  return LANGUAGES.find((each) => each.split("-")[0] === tag.split("-")[0].toLowerCase());
}

/** Loads the texts; before, `t` knows none. */
export async function loadTexts() {
  words = await (await fetch(new URL(`texts/${language}.json`, import.meta.url))).json();
  document.documentElement.lang = language;
}

/**
 * The text with this key, in which {name} is replaced.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The text with the key KIND.NAME of something that the service names, or else that name in plain letters.
 * @param {string} kind
 * @param {string} name
 * @returns {string}
 */
export function named(kind, name) {
  return words[`${kind}.${name}`] ?? name.replace(/[_-]/g, " ");
}

/** @param {string} key @returns {string} the text, or "" where there is none */
export function remark(key) {
  return words[key] ?? "";
}

/** @param {number} seconds @returns {string} */
export function duration(seconds) {
  if (seconds < 1) return t("time.moment");
  if (seconds < 90) return t("time.seconds", { n: Math.round(seconds) });
  if (seconds < 5400) return t("time.minutes", { n: Math.round(seconds / 60) });
  return t("time.hours", { n: (seconds / 3600).toFixed(1) });
}

/** @param {number} bytes @returns {string} */
export function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let at = 0;
  for (; bytes >= 1000 && at < units.length - 1; at++) bytes /= 1000;
  return `${bytes.toFixed(at && bytes < 10 ? 1 : 0)} ${units[at]}`;
}

/** @param {string} time @returns {string} */
export function when(time) {
  return new Date(time).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
