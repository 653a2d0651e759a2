/** The scene to walk in. Until there are Gaussians the newest picture stands in its place, and where no viewer can be, the video. */

import { ask, fill, h, named, place, resultAddress, RunPart, t } from "../kit.js";
import { read } from "../pose.js";
import { obstacle, Viewer } from "../viewer.js";
import "./fill-panel.js";
import "./scene-stand.js";
import "./scene-tools.js";
import "./scene-twin.js";

class SceneView extends RunPart {
  /** @type {Viewer | null} */
  viewer = null;
  /** What the viewer shows or is about to. */
  wanted = "";
  loading = false;
  /** Whether the viewer is opened with the run's flight, for which the service has to read the scene. */
  flight = false;
  /** @type {import("../viewer.js").Look} */
  look = { speed: 1, background: "#000000", isFree: false };
  /** When the run was done, and where its scene holds. @type {{done: string | null, limits: import("../viewer.js").Limits | null}} */
  measured = { done: null, limits: null };
  frame = h("div", { class: "frame" });
  tools = h("div", { class: "tools", role: "toolbar", "aria-label": t("scene.tools") });
  said = h("p", { class: "hint", role: "status" });

  async connectedCallback() {
    this.panel = h("vd-fill-panel", { data: this.data.id });
    fill(this, this.frame, this.tools, this.said, this.panel);
    this.tools.addEventListener("flight", () => this.fly());
    this.chosen = place().query.get("stage");
    this.without = await obstacle();
    this.update();
  }

  disconnectedCallback() {
    this.wanted = "";
    this.viewer?.close();
    this.viewer = null;
  }

  update() {
    const run = this.data;
    if (!run.job || this.without === undefined) return;
    const [stage, time] = run.scenes.find(([each]) => each === this.chosen) ?? run.scenes.at(-1) ?? [];
    const done = run.job.state === "done" ? run.job.finished : null;
    if (stage && !this.without && this.measured.done !== done) this.measure(done);
    if (stage && !this.without) return this.show(stage, `${stage} ${time} ${this.flight}`);
    if (!this.viewer && !this.wanted) this.stand();
  }

  /** Asks where the scene holds, which a run knows when it is done. @param {string | null} done when that was; null: it goes on */
  async measure(done) {
    this.measured = { done, limits: null };
    const settings = done && (await ask(`gallery/${this.data.id}/viewer_settings?flight=false`).catch(() => null));
    if (this.measured.done !== done || !this.isConnected) return;
    this.measured.limits = settings?.limits ?? null;
    /** @type {any} */ (this.tools.querySelector("vd-scene-tools"))?.limit(this.measured.limits);
  }

  /** Shows what stands in the place of the viewer. */
  stand() {
    const { job, stages, scenes } = this.data;
    fill(this.said, this.without || (job?.state === "done" && stages.size > 0 && !scenes.length && t("scene.empty")));
    const shown = /** @type {any} */ (this.frame.querySelector("vd-scene-stand"));
    if (shown) shown.update();
    else fill(this.frame, h("vd-scene-stand", { data: this.data }));
  }

  /** Opens the Gaussians of a stage behind what is shown, one at a time, and keeps the camera. @param {string} stage @param {string} wanted */
  async show(stage, wanted) {
    if (this.wanted === wanted || this.loading) return;
    this.wanted = wanted;
    this.loading = true;
    const id = this.data.id;
    fill(this.said, t("scene.loading"));
    const inside = h("div", { class: "viewer" });
    try {
      const settings = await ask(`gallery/${id}/viewer_settings?flight=${this.flight}`);
      this.frame.querySelector("vd-scene-twin")?.remove(); // there are two viewers at most
      const pose = this.viewer?.pose ?? read(place().query.get("camera"));
      this.frame.append(inside);
      const opened = await Viewer.open(inside, resultAddress(id, `stages/${stage}.ply`), settings, pose);
      if (this.wanted !== wanted || !this.isConnected) return opened.close();
      this.viewer?.close();
      this.viewer = opened;
      fill(this.frame, inside);
      inside.querySelector("canvas")?.addEventListener("webglcontextlost", () => this.viewer === opened && this.failed(new Error(t("scene.lost"))));
      this.draw(stage, settings);
    } catch (error) {
      inside.remove();
      if (this.wanted === wanted) this.failed(/** @type {Error} */ (error));
    } finally {
      this.loading = false;
    }
    if (this.isConnected) this.update();
  }

  /** @param {string} stage the one that is shown @param {any} settings of its viewer */
  draw(stage, settings) {
    const { viewer, look, frame, tools } = this;
    const stages = this.data.scenes.map(([each]) => each);
    const choose = (/** @type {string} */ each) =>
      h("button", { "aria-pressed": String(each === stage), onclick: () => ((this.chosen = each), this.update()) }, named("stage-step", each));
    const twin = h("button", { "aria-pressed": "false", onclick: () => this.pair(twin, settings, stage) }, t("scene.twin"));
    const hadFocus = tools.contains(document.activeElement);
    fill(tools,
      stages.length > 1 && h("span", { class: "segments", role: "group", "aria-label": t("scene.stage") }, stages.map(choose)),
      stages.length > 1 && twin,
      h("vd-scene-tools", { data: { viewer, look, frame, said: this.said, chosen: this.chosen, limits: this.measured.limits } }),
      h("button", { onclick: async () => viewer && fill(this.said, await this.panel.add(viewer)) }, t("scene.fill")));
    fill(this.said, t("scene.hint"));
    if (hadFocus) /** @type {HTMLElement | null} */ (tools.querySelector('[aria-pressed="true"]'))?.focus();
    if (frame.classList.contains("two")) this.pair(twin, settings, stage);
  }

  /** Shows a second scene next to the first one, or takes it away. @param {Element} button @param {any} settings @param {string} stage */
  pair(button, settings, stage) {
    const { viewer, look, frame } = this;
    const there = frame.querySelector("vd-scene-twin");
    frame.classList.toggle("two", !there);
    button.setAttribute("aria-pressed", String(!there));
    if (there) return there.remove();
    viewer?.closeHelp();
    frame.append(h("vd-scene-twin", { data: { run: this.data, viewer, settings, look, stage } }));
  }

  /** Plays the run's flight, after it was asked for. */
  async fly() {
    if (!this.viewer?.hasFlight && !this.flight) {
      this.flight = true;
      await this.update();
    }
    this.viewer?.fly();
  }

  /** @param {Error} error */
  failed(error) {
    this.viewer?.close();
    this.viewer = null;
    fill(this.tools);
    this.stand();
    const again = () => ((this.wanted = ""), this.update());
    fill(this.said, error.message, " ", h("button", { onclick: again }, t("scene.again")));
  }
}

customElements.define("vd-scene-view", SceneView);
