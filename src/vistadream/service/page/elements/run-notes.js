/** What the run has said: its notes, warnings first, its curves, and its figures. */

import { address, commandOf, fill, h, RunPart, svg, t } from "../kit.js";
import "./copy-line.js";

class RunNotes extends RunPart {
  curves = h("div", { class: "curves" });
  list = h("ul", { class: "notes" });
  command = h("vd-copy-line");

  connectedCallback() {
    const log = h("a", { href: address(`jobs/${this.data.id}/log`), target: "_blank", rel: "noopener" }, t("notes.log"));
    fill(this, this.command, this.curves, this.list, h("p", {}, log));
    this.update();
  }

  update() {
    const run = this.data;
    this.command.text = commandOf(run.job?.input ?? null, run.job?.words ?? []);
    const notes = run.notes.toSorted((a, b) => Number(b.level === "warning") - Number(a.level === "warning"));
    fill(this.list, notes.map((note) => h("li", { class: note.level }, note.text)));
    fill(this.curves, [...run.numbers].map(([name, values]) => curve(name, values)));
  }
}

/** Numbers as a line, from the lowest to the highest. @param {string} name @param {number[]} values */
function curve(name, values) {
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const points = values.map((value, k) => `${((100 * k) / Math.max(1, values.length - 1)).toFixed(1)},${(29 - (28 * (value - low)) / range).toFixed(1)}`);
  const last = values[values.length - 1].toPrecision(3);
  const line = svg("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "vector-effect": "non-scaling-stroke" });
  const drawing = svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": `${name}: ${last}` }, line);
  return h("figure", {}, drawing, h("figcaption", {}, name.replaceAll("/", " · "), h("b", {}, last)));
}

customElements.define("vd-run-notes", RunNotes);
