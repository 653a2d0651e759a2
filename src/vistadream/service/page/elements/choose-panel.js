/** What is to be made: how far, how thoroughly, and every other knob on demand, with the equal command line. */

import { commandLine, duration, fill, h, named, once, orSay, remark, schemas, t, tell } from "../kit.js";
import "./copy-line.js";
import "./knob-list.js";

class ChoosePanel extends HTMLElement {
  /** @type {{values: import("../knobs.js").Values, image: string | null}} */
  data = { values: {}, image: null };
  /** @type {import("../knobs.js").Values} */
  values = {};
  cards = h("div", { class: "cards" });
  recipes = h("div", { class: "segments" });
  list = h("vd-knob-list", { data: { values: this.values } });
  command = h("vd-copy-line");

  connectedCallback() {
    this.ready = this.load();
  }

  async load() {
    Object.assign(this.values, this.data.values);
    this.addEventListener("knob", (event) => this.set(/** @type {CustomEvent} */ (event).detail));
    fill(this, h("p", { class: "wait" }, t("choose.loading")));
    const found = await orSay(Promise.all([schemas(), once("stats")]), this);
    if (!found) return;
    this.schemas = found[0];
    this.stats = found[1];
    const more = h("details", { class: "more" }, h("summary", {}, t("choose.more")), this.list, this.command);
    fill(this,
      h("h1", {}, t("choose.title")),
      h("fieldset", {}, h("legend", {}, t("choose.stage")), this.cards),
      h("fieldset", {}, h("legend", {}, t("choose.recipe")), this.recipes), more);
    this.draw();
  }

  draw() {
    const { stage, recipe } = this.schemas ?? {};
    fill(this.cards, (stage?.enum ?? []).map((name) => this.choice("stage", name, this.card(name))));
    fill(this.recipes, (recipe?.enum ?? []).map((name) => this.choice("recipe", name, h("span", {}, named("recipe", String(name))))));
    this.command.text = commandLine(this.data.image, this.values);
  }

  /** @param {string} name */
  card(name) {
    const seconds = this.usual(name);
    const time = seconds === null ? t("choose.unmeasured") : t("choose.usual", { time: duration(seconds) });
    return h("span", { class: "card" }, h("strong", {}, named("stage", name)), h("span", {}, remark(`stage.${name}.what`)), h("small", {}, time));
  }

  /** @param {string} plan @returns {number | null} the usual seconds of a job here, null before there were any */
  usual(plan) {
    const seconds = this.stats?.stage_seconds ?? {};
    const parts = ["start", ...(this.schemas?.stage["x-stages"]?.[plan] ?? []), "delivery"].map((part) => seconds[part]?.p50);
    return parts.includes(undefined) ? null : parts.reduce((sum, part) => sum + part, 0);
  }

  /** @param {string} knob @param {any} value @param {Element} content */
  choice(knob, value, content) {
    const checked = (this.values[knob] ?? this.schemas?.[knob].default ?? null) === value;
    const input = h("input", { type: "radio", name: knob, checked, onchange: () => this.set({ name: knob, value }) });
    return h("label", { class: "choice" }, input, content);
  }

  /** @param {{name: string, value: any}} change of which the default value removes the knob */
  set({ name, value }) {
    if (value === undefined || value === (this.schemas?.[name].default ?? null)) delete this.values[name];
    else this.values[name] = value;
    const focused = document.activeElement instanceof HTMLInputElement && document.activeElement.name === name;
    this.draw();
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector(`input[name="${name}"]:checked`))?.focus();
    this.list?.mark();
    tell(this, "knobs", this.values);
  }

  /** Opens the knob that an error is about. @param {string} name */
  async point(name) {
    await this.ready;
    const more = /** @type {HTMLDetailsElement | null} */ (this.querySelector("details.more"));
    if (!more) return; // the knobs could not be loaded
    if (name in { stage: 1, recipe: 1 }) return /** @type {HTMLElement | null} */ (this.querySelector(`input[name="${name}"]:checked`))?.focus();
    more.open = true;
    this.list.point(name);
  }
}

customElements.define("vd-choose-panel", ChoosePanel);
