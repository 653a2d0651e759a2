/** One scene: how its run goes, and what can be done with it. The address says which part is shown. */

import { Follower } from "../follow.js";
import { ask, fill, h, link, named, orSay, place, Run, t } from "../kit.js";
import { offersOf } from "../offers.js";
import "./change-view.js";
import "./compare-view.js";
import "./live-pictures.js";
import "./result-list.js";
import "./run-notes.js";
import "./scene-view.js";
import "./stage-line.js";

/** The parts by the last word of the address. */
const PARTS = { "": "vd-scene-view", compare: "vd-compare-view", change: "vd-change-view", pictures: "vd-live-pictures", files: "vd-result-list", notes: "vd-run-notes" };

class RunPage extends HTMLElement {
  run = new Run(place().parts[1] ?? "");
  head = h("div", { class: "run-head" });
  away = h("p", { class: "away", role: "status" });
  said = h("div", { role: "alert" });
  earlier = h("p", { class: "hint", hidden: true });
  tabs = h("nav", { class: "tabs", "aria-label": t("run.parts") });
  body = h("div", { class: "run-body" });
  line = h("vd-stage-line", { data: this.run });

  connectedCallback() {
    fill(this.earlier, t("run.before"), " ", h("a", { href: link(["before", this.run.id]) }, t("run.before_link")));
    fill(this, this.away, this.head, this.said, this.earlier, this.line, this.tabs, this.body);
    this.show(place().parts[2] ?? "");
    this.follower = new Follower(this.run.id, {
      onJob: (job) => this.took(job),
      onLines: (lines) => this.heard(lines),
      onAway: (away) => fill(this.away, away ? t("run.away") : null),
      onGone: (isSignedOut) => this.gone(isSignedOut),
    });
    this.follower.again();
  }

  disconnectedCallback() {
    this.follower?.stop();
  }

  /** The service takes the run away from this page. @param {boolean} isSignedOut */
  gone(isSignedOut) {
    const sentence = h("p", { class: "bad", role: "alert" }, t(isSignedOut ? "error.signed_out" : "run.gone"));
    fill(this, sentence, isSignedOut ? h("button", { onclick: () => location.reload() }, t("sign.in")) : h("a", { href: link(["scenes"]) }, t("nav.scenes")));
  }

  /** @param {string[]} parts @returns {boolean} whether it goes on with another address */
  follows(parts) {
    if (parts[0] !== "scene" || parts[1] !== this.run.id) return false;
    this.show(parts[2] ?? "");
    return true;
  }

  /** @param {string} part */
  show(part) {
    this.current = part in PARTS ? part : "";
    const name = PARTS[/** @type {keyof typeof PARTS} */ (this.current)];
    if (this.body.firstElementChild?.localName !== name) fill(this.body, h(name, { data: this.run }));
    else /** @type {any} */ (this.body.firstElementChild)?.point?.();
    fill(this.tabs, Object.keys(PARTS).map((each) => {
      const parts = ["scene", this.run.id, ...(each ? [each] : [])];
      return h("a", { href: link(parts), "aria-current": each === this.current ? "page" : null }, t(`run.part.${each}`));
    }));
  }

  /** @param {import("../api.js").Job} job */
  took(job) {
    const before = this.run.job;
    this.run.job = job;
    this.earlier.hidden = !job.before;
    if (before?.state !== job.state || !this.head.childElementCount) this.drawHead(job);
    this.update();
  }

  /** @param {import("../follow.js").Line[]} lines */
  heard(lines) {
    for (const line of lines) this.run.take(line);
    const isNews = this.run.job?.state === "running" && lines.some((line) => line.kind === "stage_finished");
    if (isNews) this.follower?.refresh();
    this.update();
  }

  update() {
    for (const part of [this.line, this.body.firstElementChild]) /** @type {any} */ (part)?.update?.();
  }

  /** @param {import("../api.js").Job} job */
  drawHead(job) {
    const title = job.input ?? job.words.find((word) => word.startsWith("prompt="))?.slice(7) ?? job.id;
    document.title = `${title} · VistaDream`;
    const state = h("span", { class: `state ${job.state}`, role: "status" }, named("state", job.state));
    fill(this.head, h("h1", {}, title), state, h("span", { class: "actions" }, this.actions(job)));
    const sentences = [job.error, ...job.memory_steps].filter(Boolean);
    fill(this.said, sentences.map((sentence) => h("p", { class: "bad" }, sentence)));
    if (job.error) offersOf(job.id, job.error).then((offers) => this.run.job?.error === job.error && this.said.append(...offers));
  }

  /** @param {import("../api.js").Job} job */
  actions(job) {
    const button = (/** @type {string} */ text, /** @type {string} */ route, /** @type {any} */ body = undefined) =>
      h("button", { class: "quiet", onclick: (/** @type {Event} */ event) => this.act(event, route, body) }, t(text));
    if (["queued", "running"].includes(job.state)) return [button("run.cancel", "cancel")];
    return job.state === "done" ? [] : [button("run.again", "resume", {})];
  }

  /** @param {Event} event @param {string} route @param {any} body */
  async act(event, route, body) {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.disabled = true;
    const job = await orSay(ask(`jobs/${this.run.id}/${route}`, { method: "POST", body }), this.said);
    if (job) this.took(job);
    button.disabled = false;
  }
}

customElements.define("vd-run-page", RunPage);
