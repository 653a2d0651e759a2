/** One knob: its field as its schema wants it, its remark, its default, and the way back to that. */

import { choices, fill, h, isOf, same, t, tell, valueOf } from "../kit.js";

class KnobField extends HTMLElement {
  /** @type {{name: string, schema: import("../knobs.js").Schema, values: import("../knobs.js").Values, backends: any[], accepts: boolean}} */
  data = { name: "", schema: {}, values: {}, backends: [], accepts: false };

  back = h("button", { class: "quiet", onclick: () => this.set(undefined, true) }, t("knobs.reset"));
  place = h("span", { class: "field" });

  connectedCallback() {
    const { name, schema, backends } = this.data;
    const options = backends.filter((each) => name === `backends/${each.role}`);
    this.text = `${name} ${schema.description ?? ""}`.toLowerCase();
    const notes = [schema.description, schema["x-with"] && t("knobs.with", { choices: schema["x-with"].join(", ") })];
    fill(this,
      h("label", { for: this.key }, h("code", {}, name)), this.place, this.back,
      h("p", {}, notes.filter(Boolean).join(". ")), options.length ? h("ul", { class: "licenses" }, options.map((each) => this.option(each))) : null);
    this.draw();
  }

  get key() {
    return `knob-${this.data.name}`;
  }

  get value() {
    return this.data.name in this.data.values ? this.data.values[this.data.name] : this.data.schema.default;
  }

  /** One backend: whether it can run here, its models, and their licenses. @param {any} each */
  option({ name, lacks, models, commercial, auto }) {
    const state = lacks.length ? t("knobs.lacks", { what: lacks.join("; ") }) : t("knobs.runs");
    const used = models.map((/** @type {any} */ model) => ` · ${model.name}: ${model.license}`);
    const limit = commercial ? null : h("em", {}, " ", t(this.data.accepts ? "knobs.tick" : "knobs.noncommercial"));
    return h("li", {}, h("code", {}, name), " · ", state, auto && ` · ${t("knobs.auto", { why: auto })}`, used, limit);
  }

  draw() {
    fill(this.place, this.field());
    this.mark();
  }

  mark() {
    const changed = this.data.name in this.data.values;
    this.classList.toggle("changed", changed);
    if (this.back) this.back.hidden = !changed;
  }

  field() {
    const { schema } = this.data;
    const offered = choices(schema);
    if (offered) return this.select(offered);
    if (isOf(schema, "boolean")) return this.input({ type: "checkbox", checked: this.value === true }, (field) => field.checked);
    if (isOf(schema, "array") && schema.items && choices(schema.items)) return this.several(choices(schema.items) ?? []);
    if (isOf(schema, "number") || isOf(schema, "integer")) return this.number();
    if (isOf(schema, "string")) return this.input({ type: "text", value: this.value ?? "" }, (field) => field.value || null);
    return this.input({ type: "text", value: this.value === undefined ? "" : JSON.stringify(this.value) }, (field) => (field.value ? valueOf(field.value) : undefined));
  }

  number() {
    const { minimum, maximum, type } = this.data.schema;
    const step = isOf(this.data.schema, "integer") ? 1 : "any";
    const limits = { min: minimum, max: (maximum ?? Infinity) < 1e15 ? maximum : null, step };
    const shown = this.value ?? "";
    const empty = [type].flat().includes("null") ? null : undefined;
    return this.input({ type: "number", value: shown, ...limits }, (field) => (field.value === "" ? empty : Number(field.value)));
  }

  /** @param {any[]} offered */
  select(offered) {
    const at = offered.findIndex((each) => same(each, this.value ?? null));
    const options = offered.map((each, k) => h("option", { value: String(k), selected: k === at }, each === null ? t("knobs.none") : String(each)));
    if (at < 0) options.unshift(h("option", { value: "", selected: true }, ""));
    return h("select", { id: this.key, onchange: (/** @type {any} */ event) => this.set(offered[Number(event.target.value)]) }, options);
  }

  /** @param {any[]} offered */
  several(offered) {
    const chosen = new Set(this.value ?? []);
    const box = (/** @type {any} */ each, /** @type {number} */ k) => h("label", { class: "box" },
      h("input", { type: "checkbox", id: k ? null : this.key, checked: chosen.has(each), onchange: (/** @type {any} */ event) => {
        event.target.checked ? chosen.add(each) : chosen.delete(each);
        this.set([...chosen]);
      } }), String(each));
    return h("span", { class: "boxes", role: "group", "aria-label": this.data.name }, offered.map(box));
  }

  /** @param {any} props @param {(field: HTMLInputElement) => any} value */
  input(props, value) {
    return h("input", { id: this.key, ...props, onchange: (/** @type {any} */ event) => this.set(value(event.target)) });
  }

  /** @param {any} value undefined: the default @param {boolean} [again] whether the field shows it anew */
  set(value, again = false) {
    const chosen = same(value, this.data.schema.default) ? undefined : value;
    tell(this, "knob", { name: this.data.name, value: chosen });
    if (again) this.draw();
  }
}

customElements.define("vd-knob-field", KnobField);
