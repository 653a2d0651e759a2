/** The files of a run, each with its size, and those that can be made of the finished scene. */

import { aboutFile, fileRow, zipRow } from "../files.js";
import { ask, fill, h, orSay, Problem, resultAddress, RunPart, t } from "../kit.js";

const WAIT_S = 60;
const SOON_S = 1;

class ResultList extends RunPart {
  told = "";

  /** Lists the files anew when the state of the job is another. */
  update() {
    const job = this.data.job;
    const told = `${job?.state} ${job?.finished} ${job?.results.length}`;
    if (!job || told === this.told) return;
    this.told = told;
    this.load();
  }

  async load() {
    const found = await orSay(ask(`jobs/${this.data.id}/results`), this);
    if (found) this.draw(found);
  }

  /** @param {{results: import("../api.js").Result[], available: string[]}} found */
  draw({ results, available }) {
    const { id, job } = this.data;
    const files = results.filter((result) => !result.name.startsWith("live/"));
    const ofStages = files.filter((result) => result.name.startsWith("stages/"));
    const made = files.filter((result) => !ofStages.includes(result)).map((result) => fileRow(id, result));
    const section = (/** @type {string} */ title, /** @type {(Element | null)[]} */ rows) =>
      rows.length > 0 && h("section", {}, h("h2", {}, t(title)), h("ul", { class: "files" }, rows));
    fill(this,
      files.length + available.length === 0 && h("p", { class: "hint" }, t("files.none")),
      section("files.made", ["queued", "running"].includes(job?.state ?? "") ? made : [...made, zipRow(id, files)].filter(Boolean)),
      section("files.available", available.map((name) => this.offer(name))),
      section("files.stages", ofStages.map((result) => fileRow(id, result))));
  }

  /** @param {string} name */
  offer(name) {
    const button = h("button", { "aria-label": t("files.make_name", { name }), onclick: () => this.make(name, row, button) }, t("files.make"));
    const row = h("li", {}, aboutFile(name), h("span", { class: "actions" }, button));
    return row;
  }

  /** Has a file made, and waits for it. @param {string} name @param {HTMLElement} row @param {HTMLButtonElement} button */
  async make(name, row, button) {
    row.querySelector(".bad")?.remove();
    const said = h("small", { role: "status" });
    const progress = h("span", { class: "making" }, said, h("progress", { "aria-label": t("files.making") }));
    button.replaceWith(progress);
    try {
      let wait_s = SOON_S; // the first answer says soon whether it waits in the queue
      for (let state; (state = await this.underWay(name, wait_s)); wait_s = WAIT_S) fill(said, t(state === "queued" ? "files.queued" : "files.making"));
      await this.load();
    } catch (error) {
      progress.replaceWith(button);
      row.append(h("small", { class: "bad", role: "alert" }, /** @type {Error} */ (error).message));
    }
  }

  /** @param {string} name @param {number} wait_s @returns {Promise<string>} its state while it is made, after a wait that the service keeps; "" then */
  async underWay(name, wait_s) {
    const abort = new AbortController();
    const response = await fetch(`${resultAddress(this.data.id, name)}?wait=${wait_s}`, { signal: abort.signal });
    if (response.status === 202) return (await response.json()).state;
    if (!response.ok) throw new Problem(response.status, (await response.json()).detail);
    abort.abort(); // the file itself is downloaded by its link
    return "";
  }
}

customElements.define("vd-result-list", ResultList);
