/** SuperSplat's viewer, which is loaded when there is a scene to be seen. */

import { h, language, once, t } from "./kit.js";
import { label } from "./labels.js";
import { placeOf, poseOf, written } from "./pose.js";
import { keeper } from "./viewer_limits.js";

/**
 * @typedef {{speed: number, background: string, isFree: boolean}} Look how a scene is shown: a factor, a color as #rrggbb, and whether the
 *     camera may leave where the scene holds
 * @typedef {import("./viewer_limits.js").Limits} Limits
 */

const MOST = 2;
/** Viewers that may be there at the same time: browsers have about 16 graphics contexts for all of their pages. */
const NARROW_PX = 640;
/** In a picture that is not so wide, the viewer's list of keys covers much of it. */

/** @type {Promise<any> | null} */
let loading = null;
let taken = 0;
/** @type {(() => void)[]} */
const waiting = [];

/** @returns {Promise<any>} the module of the viewer */
function module() {
  if (!loading) {
    const address = (/** @type {string} */ name) => new URL(`lib/${name}`, document.baseURI).href;
    document.head.append(h("link", { rel: "stylesheet", href: address("viewer.css") }));
    loading = import(address("viewer.js"));
    loading.catch(() => (loading = null));
  }
  return loading;
}

/** Waits until one of the MOST viewers may be opened. */
async function place() {
  if (taken >= MOST) await new Promise((resolve) => waiting.push(() => resolve(null)));
  taken += 1;
}

function leave() {
  taken -= 1;
  waiting.shift()?.();
}

/** @returns {Promise<string>} why there can be no viewer in this browser; "" where there can */
export async function obstacle() {
  const facts = await once("page").catch(() => ({}));
  if (!facts.viewer) return t("scene.no_viewer", { command: facts.missing_command ?? "" });
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context ? "" : t("scene.no_webgl");
}

/** A viewer of one file in an element of the page. */
export class Viewer {
  /** @param {any} handle @param {any} settings of `viewer_settings` */
  constructor(handle, settings) {
    this.handle = handle;
    this.camera = handle.app.root.findComponents("camera")[0].entity;
    this.hasFlight = settings.animTracks[0].keyframes.times.length > 1;
    this.vectors = vectorsOf(this.camera);
    this.isClosed = false;
    this.goesHome = false;
    handle.events.on("inputEvent", (/** @type {string} */ name) => (this.goesHome = name === "reset" || (this.goesHome && name === "interact")));
  }

  /**
   * Opens a scene and waits for its first frame.
   * @param {HTMLElement} container
   * @param {string} content address of a PLY
   * @param {any} settings of `viewer_settings`
   * @param {import("./pose.js").Pose | null} [pose] where the camera is put; null: it starts at the photo
   * @param {boolean} [ui] whether the viewer's own controls are there
   * @returns {Promise<Viewer>}
   */
  static async open(container, content, settings, pose = null, ui = true) {
    await place();
    let opened = null;
    try {
      const { createViewer } = await module();
      const handle = await createViewer({ container, settings, contentUrl: content, renderer: "webgl", ui, noanim: true, lang: language });
      opened = new Viewer(handle, settings);
      label(container);
      if (!handle.state.loaded) await new Promise((resolve) => handle.events.once("loaded:changed", resolve));
      if (!opened.vectors.setEulerAngles) await new Promise((resolve) => handle.app.once("update", resolve));
      handle.state.cameraMode = "orbit";
      if (pose) opened.go(pose);
      if (container.clientWidth < NARROW_PX) opened.closeHelp();
      return opened;
    } catch (error) {
      if (opened) opened.close();
      else leave();
      throw error;
    }
  }

  /** Closes the viewer's list of keys; its own button opens it again. */
  closeHelp() {
    this.handle.app.graphicsDevice.canvas.parentElement.querySelector(".sse-controlsHint:not(.sse-hidden) button")?.click();
  }

  /** @returns {import("./pose.js").Pose} where its camera is now, in the world of the run */
  get pose() {
    return poseOf(this.camera.getWorldTransform().data);
  }

  /** Puts its camera somewhere, upright. Whatever moved it goes on from there. @param {import("./pose.js").Pose} pose */
  go(pose) {
    this.put(placeOf(pose));
  }

  /** @param {import("./viewer_limits.js").Place} place */
  put({ position, angles_deg }) {
    const { state, app, events } = this.handle;
    for (const [name, numbers] of Object.entries({ setPosition: position, setEulerAngles: angles_deg })) {
      this.camera[name](this.vectors[name].set(...numbers));
    }
    this.goesHome = false;
    if (state.cameraMode === "anim") state.cameraMode = "orbit";
    else events.fire("cameraMode:changed", state.cameraMode, state.cameraMode); // a mode begins where the camera is
    app.renderNextFrame = true;
  }

  /** Keeps its camera where a scene holds, but for the flight and the way back; null frees it. @param {Limits | null} limits */
  limit(limits) {
    const keep = limits && keeper(limits);
    this.kept?.off();
    this.kept = keep && this.handle.app.on("update", () => {
      const mode = this.handle.state.cameraMode;
      const kept = keep(placeOf(this.pose), mode === "anim" || (mode === "orbit" && this.goesHome));
      if (kept) this.put(kept);
    });
  }

  /** Back to the photo's place. */
  home() {
    this.handle.state.cameraMode = "orbit";
    this.handle.resetCamera();
  }

  get isFlying() {
    const { state } = this.handle;
    return state.cameraMode === "anim" && !state.animationPaused;
  }

  /** Plays the run's flight, or holds it. */
  fly() {
    const { state } = this.handle;
    state.animationPaused = this.isFlying;
    state.cameraMode = "anim";
  }

  /** @param {Look} look */
  show({ speed, background }) {
    const { camera } = this.camera;
    this.handle.app.timeScale = speed; // of the flight, and of keys and sticks
    camera.clearColor = camera.clearColor.clone().fromString(background);
    this.handle.app.renderNextFrame = true;
  }

  /**
   * What it shows, as a picture of this size.
   * @param {number} width
   * @param {number} height
   * @returns {Promise<HTMLCanvasElement>}
   */
  async still(width, height) {
    const frame = await this.handle.captureFrame({ width, height });
    const bytes = Uint8ClampedArray.from(atob(frame.data), (letter) => letter.charCodeAt(0));
    for (let k = 3; k < bytes.length; k += 4) bytes[k] = 255;
    const canvas = Object.assign(document.createElement("canvas"), { width: frame.width, height: frame.height });
    canvas.getContext("2d")?.putImageData(new ImageData(bytes, frame.width, frame.height), 0, 0);
    return canvas;
  }

  /** Gives the graphics context back. */
  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handle.destroy();
    leave();
  }
}

/** The vectors that the viewer keeps its camera in, by the methods of the camera that it hands them to in each frame. @param {any} camera */
function vectorsOf(camera) {
  /** @type {Record<string, any>} */
  const found = {};
  for (const name of ["setPosition", "setEulerAngles"]) {
    camera[name] = (/** @type {any} */ vector) => {
      delete camera[name]; // the method of its class again
      found[name] = vector;
      camera[name](vector);
    };
  }
  return found;
}

/**
 * Gives two viewers one camera: when one moves, the other goes to the same place.
 * @param {Viewer} a
 * @param {Viewer} b
 * @returns {() => void} what ends that
 */
export function tie(a, b) {
  b.go(a.pose);
  /** Where each was last. @type {Map<Viewer, string>} */
  const known = new Map([a, b].map((each) => [each, written(each.pose)]));
  const follow = (/** @type {Viewer} */ one, /** @type {Viewer} */ other) => one.handle.app.on("update", () => {
    if (known.get(one) === written(one.pose)) return;
    other.go(one.pose);
    known.set(one, written(one.pose)).set(other, written(other.pose));
  });
  const ties = [follow(a, b), follow(b, a)];
  return () => ties.forEach((each) => each.off());
}

/** @param {HTMLCanvasElement} canvas @param {string} [type] @returns {Promise<Blob>} */
export function blobOf(canvas, type = "image/png") {
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), type));
}
