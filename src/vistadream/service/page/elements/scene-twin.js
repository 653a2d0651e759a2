/** A second scene next to the first one, seen through the same camera. */

import { fill, h, named, orSay, resultAddress, t } from "../kit.js";
import { tie, Viewer } from "../viewer.js";

class SceneTwin extends HTMLElement {
  /** @type {{run: import("../run.js").Run, viewer: Viewer, settings: any, look: import("../viewer.js").Look, stage: string}} the viewer is the first one */
  data = /** @type {any} */ (null);
  inside = h("div", { class: "viewer" });
  name = h("select", { class: "twin-stage", "aria-label": t("scene.twin_stage"), onchange: () => this.show(this.name.value) });

  connectedCallback() {
    const stages = this.data.run.scenes.map(([stage]) => stage);
    const other = stages.findLast((stage) => stage !== this.data.stage) ?? this.data.stage;
    fill(this.name, stages.map((stage) => h("option", { value: stage, selected: stage === other }, named("stage-step", stage))));
    fill(this, this.inside, this.name);
    this.show(other);
  }

  disconnectedCallback() {
    this.leave();
  }

  leave() {
    this.untie?.();
    this.viewer?.close();
    this.viewer = this.untie = undefined;
  }

  /** @param {string} stage */
  async show(stage) {
    this.leave();
    const inside = h("div", { class: "viewer" });
    this.inside.replaceWith(inside);
    this.inside = inside;
    const { run, viewer, settings, look } = this.data;
    const opened = await orSay(Viewer.open(inside, resultAddress(run.id, `stages/${stage}.ply`), settings, viewer.pose, false), inside);
    if (!opened || !this.isConnected || this.inside !== inside) return opened?.close();
    this.viewer = opened;
    opened.handle.state.inputEnabled = false; // keys move the first one, and so both
    opened.show(look);
    this.untie = tie(viewer, opened);
  }
}

customElements.define("vd-scene-twin", SceneTwin);
