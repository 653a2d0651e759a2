/** Two pictures of one view over each other: photo and scene, before and after, picture and depth. */

import { ask, fill, h, named, orSay, resultAddress, RunPart, t } from "../kit.js";
import { blobOf, obstacle, Viewer } from "../viewer.js";
import "./compare-slider.js";

/** @typedef {{title: string, src: () => Promise<string>}} Side */

class CompareView extends RunPart {
  told = "";
  /** The name of the pair that is shown. */
  shown = "";
  pairs = h("div", { class: "tools", role: "group", "aria-label": t("compare.pairs") });
  body = h("div", { class: "compare" });
  said = h("div", { class: "hint", role: "status" });

  async connectedCallback() {
    /** @type {Map<string, Promise<string>>} */
    this.drawn = new Map();
    fill(this, this.pairs, this.body, this.said);
    this.draws = !(await obstacle());
    this.update();
  }

  disconnectedCallback() {
    for (const each of this.drawn?.values() ?? []) each.then(URL.revokeObjectURL, () => null);
  }

  /** @returns {{name: string, sides: [Side, Side]}[]} what can be compared so far */
  get offered() {
    const pictures = [...this.data.pictures.values()];
    const picture = (/** @type {(each: import("../run.js").Picture) => boolean} */ rule) => pictures.find(rule);
    const photo = this.live(picture((each) => each.stage === "load" && each.part === "rgb"), t("compare.photo"));
    const color = picture((each) => each.part === "rgb" && pictures.some((other) => isDepthOf(other, each)));
    const depth = color && picture((each) => isDepthOf(each, color));
    const scenes = this.draws ? this.data.scenes.map(([stage, time]) => this.scene(stage, time)) : [];
    const pairs = [["scene", photo, scenes.at(-1)], ["stages", scenes.at(-2), scenes.at(-1)],
      ["depth", this.live(color, t("compare.picture")), this.live(depth, t("compare.z"))]];
    return /** @type {any} */ (pairs.filter(([, a, b]) => a && b).map(([name, a, b]) => ({ name, sides: [a, b] })));
  }

  /** @param {import("../run.js").Picture | undefined} picture @param {string} title @returns {Side | null} */
  live(picture, title) {
    return picture ? { title, src: async () => `${resultAddress(this.data.id, picture.path)}?v=${picture.seq}` } : null;
  }

  /** @param {string} stage @param {number} time @returns {Side} the scene after a stage, drawn at the photo's own pose */
  scene(stage, time) {
    const key = `${stage} ${time}`;
    const src = async () => {
      if (!this.drawn?.has(key)) this.drawn?.set(key, this.draw(stage));
      return this.drawn?.get(key) ?? "";
    };
    return { title: t("compare.after", { stage: named("stage-step", stage) }), src };
  }

  /** @param {string} stage @returns {Promise<string>} */
  async draw(stage) {
    const id = this.data.id;
    const [photo, settings] = await Promise.all([ask(`jobs/${id}/camera`), ask(`gallery/${id}/viewer_settings?flight=false`)]);
    const hidden = h("div", { class: "offscreen", "aria-hidden": "true" });
    this.append(hidden);
    const viewer = await Viewer.open(hidden, resultAddress(id, `stages/${stage}.ply`), settings, null, false);
    try {
      return URL.createObjectURL(await blobOf(await viewer.still(photo.width_px, photo.height_px)));
    } finally {
      viewer.close();
      hidden.remove();
    }
  }

  update() {
    if (this.draws === undefined) return;
    const offered = this.offered;
    const chosen = offered.find((each) => each.name === this.pair) ?? offered[0];
    const button = (/** @type {{name: string}} */ each) => h("button", { "aria-pressed": String(each === chosen), onclick: () => ((this.pair = each.name), this.update()) }, t(`compare.${each.name}`));
    fill(this.pairs, offered.map(button));
    if (!chosen) return fill(this.said, t("compare.none"));
    const told = chosen.name + chosen.sides.map((side) => side.title).join();
    if (told !== this.told) this.show(chosen, (this.told = told));
  }

  /** @param {{name: string, sides: [Side, Side]}} pair @param {string} told */
  async show({ name, sides }, told) {
    if (name !== this.shown) fill(this.body);
    this.shown = name;
    fill(this.said, t("scene.loading"));
    const sources = await orSay(Promise.all(sides.map((side) => side.src())), this.said);
    if (!sources || this.told !== told || !this.isConnected) return;
    fill(this.body, h("vd-compare-slider", { data: sides.map(({ title }, k) => ({ title, src: sources[k] })) }));
    fill(this.said, t("compare.hint"));
  }
}

/** @param {import("../run.js").Picture} other @param {import("../run.js").Picture} color */
function isDepthOf(other, color) {
  return other.part === "z" && other.stage === color.stage && other.role === color.role;
}

customElements.define("vd-compare-view", CompareView);
