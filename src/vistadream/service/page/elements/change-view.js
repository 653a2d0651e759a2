/** The knobs of a run that has ended, to be changed, and the run to go on. */

import { fill, h, place, RunPart, same, schemas, t, valuesOf } from "../kit.js";
import "./choose-panel.js";
import "./go-on.js";

class ChangeView extends RunPart {
  state = "";
  /** @type {import("../knobs.js").Values} what the run was made with */
  initial = {};
  /** @type {Record<string, import("../knobs.js").Schema>} */
  known = {};

  connectedCallback() {
    this.addEventListener("knobs", (event) => this.changed(/** @type {CustomEvent} */ (event).detail));
    this.update();
  }

  /** Shows the knobs when there are any, or when the run has ended meanwhile. */
  async update() {
    const job = this.data.job;
    if (!job || this.state === job.state) return;
    this.state = job.state;
    if (["queued", "running"].includes(job.state)) return fill(this, h("p", { class: "hint" }, t("change.wait")));
    this.known = await schemas();
    this.initial = valuesOf(job.words);
    this.plan = h("vd-go-on", { data: job.id });
    this.panel = h("vd-choose-panel", { data: { values: this.initial, image: job.input } });
    fill(this, this.panel, this.plan);
    this.plan.plan({ knobs: {} });
    this.point();
  }

  /** Shows the knob that the address names. */
  point() {
    const knob = place().query.get("knob");
    if (knob) this.panel?.point(knob);
  }

  /** @param {import("../knobs.js").Values} values */
  changed(values) {
    const before = this.initial;
    const names = Object.keys({ ...before, ...values }).filter((name) => !same(before[name], values[name]));
    this.plan.plan({ knobs: Object.fromEntries(names.map((name) => [name, values[name] ?? this.known[name]?.default ?? null])) });
  }
}

customElements.define("vd-change-view", ChangeView);
