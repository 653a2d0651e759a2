/** What the sentence of an error names: knobs, which can be changed, and commands, which can be copied. */

import "./elements/copy-line.js";
import { h, link, schemas, t } from "./kit.js";

const COMMAND = /vistadream download [\w-]+(?: --[\w-]+)*|pip install(?: --?[\w-]+)* (?:'[^']+'|[\w.[\]<>=-]+)(?: [\w.-]+==[\w.]+)*/g;

/** @param {string} id of the job that has failed @param {string} sentence @returns {Promise<Element[]>} */
export async function offersOf(id, sentence) {
  const known = await schemas().catch(() => ({}));
  const change = (/** @type {string} */ knob) => h("a", { class: "button", href: link(["scene", id, "change"], { knob }) }, t("run.change", { knob }));
  const copy = (/** @type {string} */ text) => h("vd-copy-line", { text });
  return [...Object.keys(known).filter((knob) => names(sentence, knob)).map(change), ...[...new Set(sentence.match(COMMAND))].map(copy)];
}

/** @param {string} sentence @param {string} knob @returns {boolean} whether it stands there as knob=, or by a name that is no common word */
function names(sentence, knob) {
  const whole = knob.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(^|[^\\w./])${whole}(${/[._/]/.test(knob) ? "(?![\\w/]|\\.\\w)" : "="})`).test(sentence);
}
