/** One scene in the list: its picture, name, tags and state; how it is named, starred, removed and brought back. */

import { address, ask, duration, fill, h, link, named, orSay, t, when } from "../kit.js";

/**
 * @typedef {{id: string, name: string, state: string, stage: string | null, seconds: number | null, created: string, star: boolean,
 *     tags: string[], thumbnail: string | null, job: string | null, damaged: boolean}} Entry
 */

class SceneCard extends HTMLElement {
  data = /** @type {Entry} */ ({});
  said = h("div");

  connectedCallback() {
    this.dataset.id = this.data.id;
    this.draw();
  }

  draw() {
    const { id, name, state, stage, seconds, created, star, tags, thumbnail, job, damaged } = this.data;
    const picture = thumbnail && h("img", { src: `${address(`gallery/${id}/thumbnail`)}?of=${stage}-${seconds}`, alt: "", loading: "lazy" });
    const shown = damaged ? h("span", { class: "state failed" }, t("list.damaged")) : h("span", { class: `state ${state}` }, named("state", state));
    const isOver = job && !["queued", "running"].includes(state);
    const facts = [when(created), stage && named("stage-step", stage), seconds !== null && duration(seconds)].filter(Boolean).join(" · ");
    const button = (/** @type {any} */ props, /** @type {string} */ text) => h("button", { class: "quiet", ...props }, text);
    fill(this,
      h("a", { href: link([job ? "scene" : "other", id]) },
        h("span", { class: "picture" }, picture),
        h("span", { class: "about" }, h("strong", {}, name), h("small", {}, facts)), shown),
      tags.length > 0 && h("ul", { class: "tags", "aria-label": t("list.tags") }, tags.map((tag) => h("li", {}, tag))),
      h("span", { class: "actions" },
        button({ "aria-pressed": String(star), "aria-label": t("list.star", { name }), onclick: () => this.now("PATCH", { star: !star }) }, star ? "★" : "☆"),
        button({ class: "quiet edit", "aria-label": t("list.edit_name", { name }), onclick: () => this.edit() }, t("list.edit")),
        isOver && button({ "aria-label": t("list.remove_name", { name }), onclick: () => this.removeScene() }, t("list.remove"))));
  }

  /** Asks for a name and tags in the place of the buttons. */
  edit() {
    const { name, tags } = this.data;
    const nameField = h("input", { value: name, maxlength: 200, "aria-label": t("list.name") });
    const tagField = h("input", { value: tags.join(", "), "aria-label": t("list.tags"), placeholder: t("list.tags_hint") });
    const back = () => (this.draw(), /** @type {HTMLElement | null} */ (this.querySelector("button.edit"))?.focus());
    const form = h("form", { class: "edit" }, nameField, tagField,
      h("span", { class: "actions" }, h("button", { class: "primary" }, t("list.keep")), h("button", { type: "button", onclick: back }, t("list.cancel"))));
    form.addEventListener("keydown", (event) => event.key === "Escape" && back());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = tagField.value.split(/[,，]/).map((tag) => tag.trim()).filter(Boolean);
      const changed = nameField.value.trim() === name ? {} : { name: nameField.value.trim() || null };
      if (await this.now("PATCH", { ...changed, tags: [...new Set(given)] })) back();
    });
    this.querySelector(".actions")?.replaceWith(form);
    nameField.select();
  }

  /** Shows the scene as it is now, unless somebody is naming it. */
  refresh() {
    if (!this.querySelector("form")) this.now("GET");
  }

  async removeScene() {
    if (!(await this.asked("DELETE"))) return;
    const undo = h("button", { onclick: () => this.now("POST", undefined, "/restore") }, t("list.undo"));
    fill(this, h("p", { role: "status" }, t("list.removed", { name: this.data.name })), undo);
    undo.focus();
  }

  /** Shows the entry that a request answers. @param {string} method @param {any} [body] @param {string} [path] below its own */
  async now(method, body, path) {
    const entry = await this.asked(method, body, path);
    if (!entry) return false;
    const at = [...this.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    this.data = entry;
    this.draw();
    this.querySelectorAll("button")[at]?.focus();
    return true;
  }

  /** @param {string} method @param {any} [body] @param {string} [path] */
  asked(method, body, path = "") {
    fill(this.said);
    this.append(this.said);
    return orSay(ask(`gallery/${this.data.id}${path}`, { method, body }), this.said);
  }
}

customElements.define("vd-scene-card", SceneCard);
