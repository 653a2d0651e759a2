/** What a resumed run would do, as the service says it: which stages run again and which are kept; and the button that does it. */

import { ask, duration, fill, go, h, named, orSay, t, tell } from "../kit.js";

class GoOn extends HTMLElement {
  /** The id of the job. */
  data = "";
  /** @type {{knobs: Record<string, any>, cameras?: any} | null} */
  body = null;
  list = h("ol", { class: "stages" });
  said = h("div", { class: "hint", role: "status" });
  button = h("button", { class: "primary", disabled: true, onclick: () => this.go() }, t("change.go"));

  connectedCallback() {
    fill(this, this.list, this.said, this.button);
  }

  /** Asks what would be done. @param {{knobs: Record<string, any>, cameras?: any}} body as resume takes it */
  async plan(body) {
    this.body = body;
    this.button.disabled = true;
    const plan = await orSay(ask(`jobs/${this.data}/plan`, { method: "POST", body }), this.said);
    if (!plan || this.body !== body) return;
    const again = plan.stages.filter((/** @type {any} */ each) => !each.kept);
    fill(this.list, plan.stages.map((/** @type {any} */ each) => this.item(each)));
    const changed = body.cameras || Object.keys(body.knobs).length;
    fill(this.said, again.length ? "" : t(changed ? "change.files" : "change.nothing"));
    this.button.disabled = !changed;
  }

  /** @param {{stage: string, kept: boolean, seconds: number | null}} planned */
  item({ stage, kept, seconds }) {
    const before = seconds === null ? t("change.again") : t("change.again_took", { time: duration(seconds) });
    return h("li", { class: kept ? "kept" : "waiting" }, named("stage-step", stage), h("small", {}, kept ? t("stage.kept") : before));
  }

  async go() {
    this.button.disabled = true;
    const job = await orSay(ask(`jobs/${this.data}/resume`, { method: "POST", body: this.body }), this.said);
    this.button.disabled = Boolean(job);
    if (!job) return;
    tell(this, "resumed");
    go(["scene", this.data]);
  }
}

customElements.define("vd-go-on", GoOn);
