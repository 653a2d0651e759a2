/** All scenes of the service and of its other folders, the newest first, as they are now; more of them before one has scrolled to them. */

import { address, ask, fill, h, keepInAddress, named, orSay, place, t } from "../kit.js";
import "./scene-card.js";

const SEARCH_AFTER_MS = 250;
const AHEAD = "2000px";
/** So far below what is to be seen, scenes are there already. */
const STATES = ["queued", "running", "done", "failed", "cancelled", "unknown"];

class SceneList extends HTMLElement {
  search = h("input", { type: "search", placeholder: t("list.search"), "aria-label": t("list.search"), oninput: () => this.later() });
  state = h("select", { "aria-label": t("list.state"), onchange: () => this.again() });
  list = h("ul", { class: "scenes" });
  said = h("div", { class: "hint", role: "status" });
  end = h("div", { class: "end" });
  /** @type {string | null} where the next page begins, or null on the last one */
  next = "";

  connectedCallback() {
    const { query } = place();
    this.search.value = query.get("q") ?? "";
    fill(this.state, ["", ...STATES].map((state) =>
      h("option", { value: state, selected: state === (query.get("state") ?? "") }, state ? named("state", state) : t("list.any_state"))));
    fill(this, h("h1", {}, t("list.title")), h("div", { class: "search" }, this.search, this.state), this.said, this.list, this.end);
    this.watcher = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && this.more(), { rootMargin: `0px 0px ${AHEAD}` });
    this.source = new EventSource(address("events"));
    for (const name of ["hello", "gap"]) this.source.addEventListener(name, () => this.again());
    this.source.addEventListener("job", (event) => this.changed(JSON.parse(event.data)));
  }

  disconnectedCallback() {
    this.source?.close();
    this.watcher?.disconnect();
  }

  /** @returns {Record<string, string>} what is looked for */
  get wanted() {
    return Object.fromEntries(Object.entries({ q: this.search.value, state: this.state.value }).filter(([, text]) => text));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), SEARCH_AFTER_MS);
  }

  /** Lists from the start. */
  again() {
    keepInAddress(this.wanted);
    this.next = "";
    this.watcher?.unobserve(this.end);
    this.more();
  }

  async more() {
    if (this.next === null) return;
    const [cursor, wanted] = [this.next, this.wanted];
    const asked = new URLSearchParams({ limit: "50", ...wanted, ...(cursor ? { cursor } : {}) });
    const page = await orSay(ask(`gallery?${asked}`), this.said);
    if (!page || cursor !== this.next || JSON.stringify(wanted) !== JSON.stringify(this.wanted)) return;
    this.list.replaceChildren(...(cursor ? this.list.children : []), ...page.entries.map(item));
    this.next = page.next;
    fill(this.said, this.list.childElementCount ? null : t(Object.keys(wanted).length ? "list.none_found" : "list.none"));
    this.watcher?.unobserve(this.end); // so that an end that is still to be seen is told again
    if (this.next) this.watcher?.observe(this.end);
  }

  /** Shows a change without moving what is read. @param {{job: string, state: string}} change */
  async changed({ job, state }) {
    const card = /** @type {any} */ (this.list.querySelector(`[data-id="${CSS.escape(job)}"]`));
    if (card && state === "deleted") return card.parentElement.remove();
    if (card) return card.refresh();
    const newest = /** @type {any} */ (this.list.querySelector("vd-scene-card"))?.data.id ?? "";
    if (state === "deleted" || job < newest || Object.keys(this.wanted).length) return; // it is on a page that is not listed yet
    const entry = await ask(`gallery/${job}`).catch(() => null);
    if (entry && !this.list.querySelector(`[data-id="${CSS.escape(job)}"]`)) this.list.prepend(item(entry));
    if (entry) fill(this.said);
  }
}

/** @param {import("./scene-card.js").Entry} data */
function item(data) {
  return h("li", {}, h("vd-scene-card", { data }));
}

customElements.define("vd-scene-list", SceneList);
