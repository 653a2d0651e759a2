/** Every knob that may be set, as the service lists them: grouped, searchable, with remark, default and reset. */

import { fill, groupOf, h, named, once, schemas, t } from "../kit.js";
import "./knob-field.js";

class KnobList extends HTMLElement {
  /** @type {{values: import("../knobs.js").Values}} */
  data = { values: {} };

  count = h("span", { class: "hint", role: "status" });
  search = h("input", { type: "search", placeholder: t("knobs.search"), "aria-label": t("knobs.search"), oninput: () => this.filter() });
  groups = h("div", {});

  connectedCallback() {
    this.ready = this.load();
  }

  async load() {
    fill(this, h("div", { class: "search" }, this.search, this.count), this.groups);
    const known = await schemas();
    const { backends } = await once("backends").catch(() => ({ backends: [] }));
    const accepts = "accept_noncommercial" in known;
    /** @type {Map<string, any[]>} */
    const byGroup = new Map();
    for (const [name, schema] of Object.entries(known)) {
      const field = h("vd-knob-field", { data: { name, schema, values: this.data.values, backends, accepts } });
      byGroup.set(groupOf(name), [...(byGroup.get(groupOf(name)) ?? []), field]);
    }
    fill(this.groups, [...byGroup].map(([group, fields]) => this.section(group, fields)));
    this.filter();
  }

  /** @param {string} group @param {Element[]} fields */
  section(group, fields) {
    const title = group ? group.split(".").map((part) => named("group", part)).join(" · ") : t("knobs.general");
    return h("details", { class: "group" }, h("summary", {}, title, h("span", { class: "count" }, fields.length)), fields);
  }

  filter() {
    const wanted = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of this.querySelectorAll("details.group")) {
      const fields = [.../** @type {NodeListOf<any>} */ (group.querySelectorAll("vd-knob-field"))];
      for (const field of fields) field.hidden = !wanted.every((word) => field.text.includes(word));
      const found = fields.filter((field) => !field.hidden).length;
      /** @type {HTMLElement} */ (group).hidden = !found;
      if (wanted.length) /** @type {HTMLDetailsElement} */ (group).open = found > 0;
      shown += found;
    }
    fill(this.count, t("knobs.found", { n: shown }));
  }

  /** Shows which knobs are changed now. */
  mark() {
    for (const field of /** @type {NodeListOf<any>} */ (this.querySelectorAll("vd-knob-field"))) field.mark();
  }

  /** Shows one knob. @param {string} name */
  async point(name) {
    await this.ready;
    const field = document.getElementById(`knob-${name}`);
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }
}

customElements.define("vd-knob-list", KnobList);
