/** What can be done with the viewer of a scene: the way back, the flight, its speed, a free camera, the background, the whole screen, a picture. */

import { fill, h, keepInAddress, link, place, t, tell } from "../kit.js";
import { placeOf, written } from "../pose.js";
import { blobOf } from "../viewer.js";
import { isWithin } from "../viewer_limits.js";
import "./copy-line.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];

class SceneTools extends HTMLElement {
  /**
   * `look` is changed here; `chosen` is the stage that somebody chose.
   * @type {{viewer: import("../viewer.js").Viewer, look: import("../viewer.js").Look, frame: HTMLElement, said: Element, chosen: string | null,
   *     limits: import("../viewer.js").Limits | null}}
   */
  data = /** @type {any} */ (null);
  flight = h("button", { onclick: () => tell(this, "flight") }, t("scene.flight"));
  free = h("button", { onclick: () => this.limit(this.data.limits, !this.data.look.isFree) }, t("scene.free"));

  connectedCallback() {
    const { viewer, look, frame } = this.data;
    const button = (/** @type {string} */ text, /** @type {() => void} */ act) => h("button", { onclick: act }, t(text));
    const set = (/** @type {Partial<import("../viewer.js").Look>} */ change) => viewer.show(Object.assign(look, change));
    const fullScreen = () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen().catch(() => null)); // the browser has said why
    const speeds = SPEEDS.map((speed) => h("option", { value: speed, selected: speed === look.speed }, `${speed}×`));
    const speed = h("select", { onchange: () => set({ speed: Number(speed.value) }) }, speeds);
    const background = h("input", { type: "color", value: look.background, oninput: () => set({ background: background.value }) });
    fill(this,
      button("scene.home", () => viewer.home()), this.flight, this.free,
      h("label", {}, t("scene.speed"), speed), h("label", {}, t("scene.background"), background),
      document.fullscreenEnabled ? button("scene.full", fullScreen) : null,
      button("scene.still", () => this.still()),
      button("scene.share", () => this.share()));
    for (const name of ["cameraMode", "animationPaused"]) viewer.handle.events.on(`${name}:changed`, () => this.mark());
    viewer.show(look);
    this.limit(this.data.limits);
    this.mark();
  }

  /**
   * Keeps the camera within the limits, if there are any. One that is outside when they come is free.
   * @param {import("../viewer.js").Limits | null} limits
   * @param {boolean} [isFree]
   */
  limit(limits, isFree = this.data.look.isFree || !isWithin(placeOf(this.data.viewer.pose), limits)) {
    const { viewer, look } = this.data;
    this.data.limits = limits;
    look.isFree = isFree;
    viewer.limit(isFree ? null : limits);
    this.free.hidden = !limits;
    this.free.setAttribute("aria-pressed", String(isFree));
  }

  mark() {
    const { viewer } = this.data;
    this.flight.setAttribute("aria-pressed", String(viewer.isFlying));
    if (viewer.isFlying && !viewer.hasFlight) tell(this, "flight"); // as by the viewer's own button
  }

  async still() {
    const { viewer } = this.data;
    const { clientWidth, clientHeight } = viewer.handle.app.graphicsDevice.canvas;
    const picture = URL.createObjectURL(await blobOf(await viewer.still(2 * clientWidth, 2 * clientHeight)));
    h("a", { href: picture, download: "still.png" }).click();
    setTimeout(() => URL.revokeObjectURL(picture), 1000);
  }

  /** Gives the address of what is seen. */
  share() {
    const { viewer, said, chosen } = this.data;
    const query = { ...Object.fromEntries(place().query), camera: written(viewer.pose), ...(chosen ? { stage: chosen } : {}) };
    keepInAddress(query);
    fill(said, h("vd-copy-line", { text: new URL(link(place().parts, query), location.href).href }));
  }
}

customElements.define("vd-scene-tools", SceneTools);
