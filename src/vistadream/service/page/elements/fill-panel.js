/** Places from which the scene is to be filled: cameras of the viewer, in order, and the run that goes on through them. */

import { fill, h, keepInAddress, parsed, place, t } from "../kit.js";
import { PHOTO, read, written } from "../pose.js";
import "./go-on.js";

const MOST = 16;

class FillPanel extends HTMLElement {
  /** The id of the job. */
  data = "";
  /** Pictures of cameras by their words, in base 64, which a tab of the browser keeps over a reload. @type {Record<string, string>} */
  pictures = {};
  list = h("ol", { class: "cameras" });
  plan = h("vd-go-on");

  connectedCallback() {
    this.plan.data = this.data;
    this.pictures = parsed(storage()?.getItem(`fill ${this.data}`)) ?? {};
    this.addEventListener("resumed", () => ((this.hidden = true), storage()?.removeItem(`fill ${this.data}`)));
    this.draw();
  }

  /** @returns {string[]} the cameras, which the address holds */
  get cameras() {
    return (place().query.get("fill") ?? "").split(";").filter((text) => read(text)).slice(0, MOST);
  }

  /**
   * @param {import("../viewer.js").Viewer} viewer whose camera is added
   * @returns {Promise<string>} what came of it
   */
  async add(viewer) {
    const text = written(viewer.pose);
    const picture = this.cameras.length < MOST ? (await viewer.still(192, 144)).toDataURL("image/jpeg").split(",")[1] : "";
    const cameras = this.cameras;
    if (cameras.includes(text)) return t("fill.known");
    if (cameras.length === MOST) return t("fill.full", { most: MOST });
    this.pictures[text] = picture;
    this.keep([...cameras, text]);
    return t("fill.added", { n: cameras.length + 1, most: MOST });
  }

  /** @param {string[]} cameras */
  keep(cameras) {
    const { fill: _, ...query } = Object.fromEntries(place().query);
    keepInAddress(cameras.length ? { ...query, fill: cameras.join(";") } : query);
    storage()?.setItem(`fill ${this.data}`, JSON.stringify(this.pictures, cameras));
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
    return h("li", {}, pictureOf(this.pictures[text]), name, h("button", { class: "quiet", "aria-label": t("fill.remove", { name }), onclick: remove }, "×"));
  }
}

/** @param {string | undefined} base64 */
function pictureOf(base64) {
  const bytes = Uint8Array.from(atob(base64 ?? ""), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes]));
  return bytes.length > 0 && h("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address) });
}

/** @returns {Storage | null} null in a browser that keeps nothing of this page */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

customElements.define("vd-fill-panel", FillPanel);
