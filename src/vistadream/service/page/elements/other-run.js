/** A run in another folder, such as one of the command line, or what a scene was before its change: picture, knobs and files. */

import { fileRow, zipRow } from "../files.js";
import { address, ask, fill, h, link, named, orSay, place, t } from "../kit.js";

class OtherRun extends HTMLElement {
  async connectedCallback() {
    const run = await orSay(ask(`gallery/${encodeURIComponent(place().parts[1] ?? "")}`), this);
    if (run) this.draw(run);
  }

  /** @param {any} run */
  draw(run) {
    document.title = `${run.name} · VistaDream`;
    const picture = run.thumbnail && h("img", { class: "still", src: address(`gallery/${run.id}/thumbnail`), alt: t("list.picture", { name: run.name }) });
    const isOver = !["queued", "running"].includes(run.state);
    fill(this,
      h("div", { class: "run-head" }, h("h1", {}, run.name), h("span", { class: `state ${run.state}` }, named("state", run.state))),
      run.damaged && h("p", { class: "bad" }, t("other.damaged")),
      picture,
      run.job && h("p", {}, h("a", { href: link(["scene", run.job]) }, t(run.before ? "other.now" : "other.over"))),
      h("p", { class: "hint" }, t(run.read_only ? "other.hint" : "other.before")),
      h("p", {}, run.words.map((/** @type {string} */ word) => [h("code", {}, word), " "])),
      h("ul", { class: "files" },
        run.results.map((/** @type {import("../api.js").Result} */ file) => fileRow(run.id, file, "gallery")),
        isOver && zipRow(run.id, run.results, "gallery")));
  }
}

customElements.define("vd-other-run", OtherRun);
