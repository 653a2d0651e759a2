/** The stages of a run in a line: which are done, how far the present one is, and how long it still takes. */

import { duration, fill, h, named, RunPart, schemas, t, valuesOf } from "../kit.js";

class StageLine extends RunPart {
  sentence = h("p", { class: "sentence", role: "status" });
  list = h("ol", { class: "stages" });
  bar = h("progress", { "aria-label": t("run.progress") });

  async connectedCallback() {
    fill(this, this.list, this.bar, this.sentence);
    this.stage = await schemas().then((known) => known.stage, () => ({}));
    this.update();
  }

  get plan() {
    const stage = /** @type {import("../knobs.js").Schema} */ (this.stage ?? {});
    const chosen = valuesOf(this.data.job?.words ?? []).stage ?? stage.default;
    return stage["x-stages"]?.[chosen] ?? [...this.data.stages.keys()];
  }

  update() {
    const run = this.data;
    this.hidden = !run.job || run.job.state === "done";
    if (!run.job || this.hidden || !this.list) return;
    fill(this.list, this.plan.map((stage) => this.item(stage)));
    const { done, total } = run.progress ?? run.job.progress ?? { done: 0, total: 0 };
    if (total) Object.assign(this.bar, { max: total, value: done });
    else this.bar.removeAttribute("value");
    if (this.bar) this.bar.hidden = run.job.state !== "running";
    const sentence = this.say(run.job);
    if (this.sentence.textContent !== sentence) fill(this.sentence, sentence);
  }

  /** @param {string} stage */
  item(stage) {
    const time = this.data.stages.get(stage);
    const state = time?.seconds != null ? (time.kept ? "kept" : "done") : time ? "now" : "waiting";
    const said = time?.seconds != null ? (time.kept ? t("stage.kept") : duration(time.seconds)) : "";
    return h("li", { class: state, "aria-current": state === "now" ? "step" : null }, named("stage-step", stage), h("small", {}, said));
  }

  /** @param {import("../api.js").Job} job */
  say(job) {
    if (job.state === "queued" && job.joined) return t("run.joined");
    if (job.state === "queued") return job.place ? t("run.place", { n: job.place }) : t("run.queued");
    if (job.state !== "running") return t("run.kept");
    return job.seconds_left == null ? t("run.works") : t("run.left", { time: duration(job.seconds_left) });
  }
}

customElements.define("vd-stage-line", StageLine);
