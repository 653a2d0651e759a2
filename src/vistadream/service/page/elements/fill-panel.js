/** Places from which the scene is to be filled: cameras of the viewer, in order, and the run that goes on through them. */

import { fill, h, keepInAddress, place, t } from "../kit.js";
import { PHOTO, read, written } from "../pose.js";
import "./go-on.js";

const MOST = 16;

class FillPanel extends HTMLElement {
  /** The id of the job. */
  data = "";
  /** @type {Map<string, HTMLCanvasElement>} pictures of cameras by their words */
  thumbnails = new Map();
  list = h("ol", { class: "cameras" });
  plan = h("vd-go-on");

  connectedCallback() {
    this.plan.data = this.data;
    this.addEventListener("resumed", () => (this.hidden = true));
    this.draw();
  }

  /** @returns {string[]} the cameras, which the address holds */
  get cameras() {
    return (place().query.get("fill") ?? "").split(";").filter((text) => read(text)).slice(0, MOST);
  }

  /** @param {import("../viewer.js").Viewer} viewer whose camera is added */
  async add(viewer) {
    const text = written(viewer.pose);
    if (this.cameras.includes(text) || this.cameras.length === MOST) return;
    this.thumbnails.set(text, await viewer.still(192, 144));
    this.keep([...this.cameras, text]);
  }

  /** @param {string[]} cameras */
  keep(cameras) {
    const { fill: _, ...query } = Object.fromEntries(place().query);
    keepInAddress(cameras.length ? { ...query, fill: cameras.join(";") } : query);
    this.draw();
  }

  draw() {
    const cameras = this.cameras;
    this.hidden = !cameras.length;
    if (this.hidden) return;
    fill(this.list, cameras.map((text, k) => this.item(text, k)));
    fill(this, h("h2", {}, t("fill.title")), h("p", { class: "hint" }, t("fill.hint")), this.list, this.plan);
    const poses = [PHOTO, ...cameras.map(read)].map((pose) => ({ world_from_cam: pose }));
    this.plan.plan({ knobs: {}, cameras: { cameras: poses } });
  }

  /** @param {string} text @param {number} k */
  item(text, k) {
    const name = t("fill.camera", { n: k + 1 });
    const remove = () => this.keep(this.cameras.filter((each) => each !== text));
    return h("li", {}, this.thumbnails.get(text), name, h("button", { class: "quiet", "aria-label": t("fill.remove", { name }), onclick: remove }, "×"));
  }
}

customElements.define("vd-fill-panel", FillPanel);
