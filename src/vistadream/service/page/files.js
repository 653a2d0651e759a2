/** The files of a run in lists: what each is for, its size, and how it is opened and saved. */

import "./elements/rerun-line.js";
import { address, h, remark, resultAddress, size, t } from "./kit.js";

/** @param {string} name @returns {HTMLElement} */
export function aboutFile(name) {
  return h("span", { class: "about" }, h("strong", {}, name), h("small", {}, remark(`file.${name}`)));
}

/** @param {string} id @param {import("./api.js").Result} result @param {string} [room] as of `resultAddress` @returns {HTMLElement} */
export function fileRow(id, result, room = "jobs") {
  const { name, bytes, media_type } = result;
  const where = resultAddress(id, name, room);
  const isShown = /^(text\/html|image\/|video\/)/.test(media_type);
  const open = isShown && h("a", { class: "button quiet", href: where, target: "_blank", rel: "noopener", "aria-label": t("files.open_name", { name }) }, t("files.open"));
  const rerun = name.endsWith(".rrd") && room === "jobs" && h("vd-rerun-line", { data: { id, name } });
  return h("li", {}, aboutFile(name), h("span", { class: "size" }, size(bytes)), h("span", { class: "actions" }, open, save(where, name)), rerun);
}

/** All results as one zip. @param {string} id @param {import("./api.js").Result[]} results @param {string} [room] @returns {HTMLElement | null} */
export function zipRow(id, results, room = "jobs") {
  const packed = results.filter(({ name }) => !/^(stages|live)\/|^run(\.\d+)?\.rrd$/.test(name));
  const bytes = packed.reduce((sum, result) => sum + result.bytes, 0);
  if (packed.length < 2) return null;
  return h("li", {},
    h("span", { class: "about" }, h("strong", {}, t("files.zip")), h("small", {}, t("files.zip_of", { n: packed.length }))),
    h("span", { class: "size" }, size(bytes)), save(address(`${room}/${id}/archive`), t("files.zip")));
}

/** @param {string} where @param {string} name */
function save(where, name) {
  return h("a", { class: "button", href: where, download: "", "aria-label": t("files.save_name", { name }) }, t("files.save"));
}
