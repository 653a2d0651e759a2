/** What somebody has of what the service allows one owner: jobs in the queue, and room on the disk. */

import { ask, fill, size, t } from "../kit.js";

class OwnUse extends HTMLElement {
  show = () => this.load();

  connectedCallback() {
    addEventListener("hashchange", this.show);
    this.load();
  }

  disconnectedCallback() {
    removeEventListener("hashchange", this.show);
  }

  async load() {
    const { own } = await ask("stats").catch(() => ({ own: null }));
    if (!own) return;
    const most = (/** @type {number | null} */ limit, /** @type {(limit: number) => string | number} */ text) => (limit === null ? "" : ` / ${text(limit)}`);
    const queued = `${own.queued_jobs}${most(own.max_queued_jobs, Number)}`;
    fill(this, t("own.use", { queued, disk: `${size(own.disk_bytes)}${most(own.max_disk_bytes, size)}` }));
  }
}

customElements.define("vd-own-use", OwnUse);
