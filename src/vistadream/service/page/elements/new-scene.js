/** A new scene: first the photo or the words, then what is to be made of it. */

import { fill, freshKey, go, h, keepInAddress, parsed, place, t, upload } from "../kit.js";
import "./choose-panel.js";
import "./drop-zone.js";

/** @type {{files: File[], prompt?: string} | null} what was chosen, also for whoever comes back from another part of the page */
let input = null;

class NewScene extends HTMLElement {
  /** @type {File[]} */
  files = [];
  key = freshKey();
  said = h("div", { class: "said", role: "alert" });
  bar = h("progress", { max: 1, value: 0, "aria-label": t("new.uploading") });
  button = h("button", { class: "primary" }, t("new.make"));

  connectedCallback() {
    this.addEventListener("chosen", (event) => this.took(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("knobs", (event) => this.keep(/** @type {CustomEvent} */ (event).detail));
    this.follows([]);
  }

  /** @returns {import("../knobs.js").Values} what the address says */
  get values() {
    return parsed(place().query.get("knobs")) ?? {};
  }

  /** @param {string[]} parts @returns {boolean} whether it goes on with another address, as after a step back */
  follows(parts) {
    if (parts.length) return false;
    if (place().query.has("step") && input) this.choose(input);
    else this.begin();
    return true;
  }

  begin() {
    if (place().query.has("step")) this.keep(this.values, {});
    fill(this, h("vd-drop-zone"));
  }

  /** @param {import("../knobs.js").Values} values @param {Record<string, string>} [step] */
  keep(values, step = { step: "choose" }) {
    this.key = freshKey(); // it is another request from now on
    keepInAddress({ ...step, ...(Object.keys(values).length ? { knobs: JSON.stringify(values) } : {}) });
  }

  /** Goes to the second step, from which there is a way back. @param {{files: File[], prompt?: string}} chosen */
  took(chosen) {
    input = chosen;
    history.pushState(null, "", location.hash);
    this.keep(this.values);
    this.choose(chosen);
  }

  /** @param {{files: File[], prompt?: string}} input */
  choose({ files, prompt }) {
    this.files = files;
    this.prompt = prompt;
    const panel = h("vd-choose-panel", { data: { values: this.values, image: files[0]?.name ?? null } });
    this.button.onclick = () => this.make(panel.values);
    fill(this,
      h("div", { class: "new" },
        h("aside", {}, this.preview(), h("button", { class: "quiet", onclick: () => history.back() }, t("new.other"))),
        h("div", {}, panel, this.said, h("div", { class: "actions" }, this.button))));
  }

  preview() {
    if (!this.files.length) return h("blockquote", { class: "words" }, this.prompt ?? "");
    const pictures = this.files.slice(0, 6).map((file) => {
      const address = URL.createObjectURL(file);
      return h("img", { src: address, alt: file.name, onload: () => URL.revokeObjectURL(address) });
    });
    const title = this.files.length > 1 ? t("new.files", { n: this.files.length }) : this.files[0].name;
    return h("figure", { class: pictures.length > 1 ? "many" : "one" }, pictures, h("figcaption", {}, title));
  }

  /** @param {import("../knobs.js").Values} values */
  async make(values) {
    const abort = new AbortController();
    fill(this.said);
    this.bar.value = 0;
    this.button.replaceWith(this.bar, h("button", { class: "quiet", onclick: () => abort.abort() }, t("new.stop")));
    const actions = /** @type {Element} */ (this.bar.parentElement);
    try {
      const path = this.files.length > 1 ? "batches" : "predict";
      const made = await upload(path, this.form(values), this.key, (share) => (this.bar.value = share), abort.signal);
      go(path === "batches" ? ["scenes"] : ["scene", made.id]);
    } catch (error) {
      fill(actions, this.button);
      if (/** @type {Error} */ (error).name !== "AbortError") this.complain(/** @type {any} */ (error));
    }
  }

  /** @param {import("../knobs.js").Values} values */
  form(values) {
    const form = new FormData();
    for (const file of this.files) form.append("file", file);
    form.append("knobs", JSON.stringify(this.files.length ? values : { ...values, prompt: this.prompt }));
    return form;
  }

  /** @param {import("../api.js").Problem} problem */
  complain(problem) {
    if (problem.status && problem.status !== 503) this.key = freshKey(); // what was refused may be changed and sent anew
    fill(this.said, h("p", { class: "bad" }, problem.message));
    if (problem.knob) /** @type {any} */ (this.querySelector("vd-choose-panel"))?.point(problem.knob);
  }
}

customElements.define("vd-new-scene", NewScene);
