/** For whoever runs the service: its workers, queue, cache and disk, and the keys of all owners. */

import { ask, duration, fill, h, named, orSay, size, t, when } from "../kit.js";
import "./copy-line.js";

/** @typedef {{id: string, name: string, owner: string, scopes: string[], state: string, created: string, expires: string | null, used: string | null}} Key */

class AdminPage extends HTMLElement {
  figures = h("ul", { class: "files" });
  keys = h("ul", { class: "files" });
  made = h("div", { role: "status" });
  said = h("div");
  name = h("input", { id: "key-name", required: true });
  owner = h("input", { id: "key-owner" });
  days = h("input", { id: "key-days", type: "number", min: 0, step: "any" });
  admin = h("input", { id: "key-admin", type: "checkbox" });

  connectedCallback() {
    const field = (/** @type {HTMLInputElement} */ input, /** @type {string} */ text) =>
      h("span", { class: "about" }, h("label", { for: input.id }, t(text)), input);
    const form = h("form", { class: "tools", onsubmit: (/** @type {Event} */ event) => this.add(event) },
      field(this.name, "admin.key_name"), field(this.owner, "admin.key_owner"), field(this.days, "admin.key_days"),
      h("label", { class: "box" }, this.admin, t("admin.key_admin")), h("button", {}, t("admin.add")));
    fill(this, h("h1", {}, t("admin.title")), this.said, h("h2", {}, t("admin.service")), this.figures, h("h2", {}, t("admin.keys")), form, this.made, this.keys);
    this.load();
  }

  load() {
    return this.tried(async () => {
      const [stats, { keys }] = await Promise.all([ask("stats"), ask("keys")]);
      fill(this.figures, this.rows(stats));
      fill(this.keys, keys.map((/** @type {Key} */ key) => this.row(key)));
    });
  }

  /** Does something, and says why if it cannot be done. @param {() => Promise<void>} act */
  tried(act) {
    fill(this.said);
    return orSay(act(), this.said);
  }

  /** @param {any} stats as GET /v1/stats answers */
  rows({ workers, jobs, jobs_per_hour, job_seconds, queue_wait_seconds, cache, disk_free_gb, gpus }) {
    const states = Object.entries(jobs).map(([state, count]) => `${named("state", state)}: ${count}`).join(", ");
    const usual = (/** @type {{p50: number, p95: number} | null} */ spread) =>
      spread ? t("admin.spread", { p50: duration(spread.p50), p95: duration(spread.p95) }) : "";
    const clear = h("button", { class: "quiet", onclick: () => this.tried(async () => (await ask("cache/clear", { method: "POST" }), this.load())) }, t("admin.clear"));
    const figure = (/** @type {string} */ name, /** @type {string} */ value, /** @type {Element | null} */ action = null) =>
      h("li", {}, h("span", { class: "about" }, h("strong", {}, t(name))), h("span", { class: "size" }, value), action);
    return [
      figure("admin.workers", workers ? t("admin.alive", { alive: workers.alive, restarts: workers.restarts }) : t("admin.elsewhere")),
      figure("admin.queue", states || t("admin.empty")),
      queue_wait_seconds && figure("admin.wait", usual(queue_wait_seconds)),
      figure("admin.jobs", [t("admin.an_hour", { n: jobs_per_hour }), usual(job_seconds)].filter(Boolean).join(", ")),
      figure("admin.cache", t("admin.cached", { n: cache.entries, size: size(cache.bytes), share: Math.round(100 * cache.hit_rate) }), clear),
      figure("admin.disk", size(1e9 * disk_free_gb)),
      ...gpus.map((/** @type {any} */ gpu, /** @type {number} */ n) =>
        figure("admin.gpu", `${n}: ${gpu.memory_used_gb} / ${gpu.memory_total_gb} GB, ${Math.round(100 * gpu.use)} %`)),
    ];
  }

  /** @param {Key} key */
  row({ id, name, owner, scopes, state, created, expires, used }) {
    const about = [owner, scopes.join(", "), t("admin.created", { time: when(created) }), used && t("admin.used", { time: when(used) }), expires && t("admin.expires", { time: when(expires) })];
    const revoke = () => confirm(t("admin.revoke_sure", { name })) && this.tried(async () => (await ask(`keys/${id}`, { method: "DELETE" }), this.load()));
    return h("li", {}, h("span", { class: "about" }, h("strong", {}, name), h("small", {}, about.filter(Boolean).join(" · "))),
      state === "valid" ? h("button", { class: "quiet", "aria-label": t("admin.revoke_name", { name }), onclick: revoke }, t("admin.revoke")) : h("span", { class: "state" }, named("key", state)));
  }

  /** @param {Event} event */
  add(event) {
    event.preventDefault();
    return this.tried(async () => {
      const { scopes } = await ask("page");
      const own = { owner: this.owner.value || null, expires_days: this.days.value ? Number(this.days.value) : null };
      const { key } = await ask("keys", { method: "POST", body: { name: this.name.value, ...own, ...(this.admin.checked ? { scopes } : {}) } });
      fill(this.made, h("p", {}, t("admin.made")), h("vd-copy-line", { text: key }));
      /** @type {HTMLFormElement} */ (this.name.form).reset();
      await this.load();
    });
  }
}

customElements.define("vd-admin-page", AdminPage);
