/** The frame of the page: its head, and the part that the address names. */

import { ask, once } from "./api.js";
import { fill, h } from "./dom.js";
import { link, place } from "./route.js";
import { loadTexts, t } from "./texts.js";
import "./elements/admin-page.js";
import "./elements/new-scene.js";
import "./elements/other-run.js";
import "./elements/own-use.js";
import "./elements/run-page.js";
import "./elements/scene-list.js";
import "./elements/sign-in.js";

/** Each part of the page by the first word of its address. */
const PARTS = { "": "vd-new-scene", scene: "vd-run-page", other: "vd-other-run", before: "vd-other-run", scenes: "vd-scene-list", admin: "vd-admin-page" };

class App extends HTMLElement {
  main = h("main", { id: "main", tabindex: "-1" });
  nav = h("nav");
  /** Whether whoever is here runs the service for others. */
  isAdmin = false;

  async connectedCallback() {
    await loadTexts();
    this.nav.setAttribute("aria-label", t("nav.label"));
    const brand = h("a", { class: "brand", href: link([]) }, h("img", { src: "./page/icon.svg", alt: "", width: 28, height: 28 }), "VistaDream");
    this.append(
      h("a", { class: "skip", href: "#main", onclick: (/** @type {Event} */ event) => this.skip(event) }, t("nav.skip")),
      h("header", { class: "top" }, brand, this.nav),
      this.main,
    );
    const facts = await once("page").catch(() => null);
    if (facts) this.main.after(h("footer", {}, `VistaDream ${facts.version}`));
    if (facts?.needs_key && !facts.signed_in) return fill(this.main, h("vd-sign-in"));
    if (facts?.signed_in && !facts.single_user) {
      this.nav.after(h("vd-own-use"), h("button", { class: "quiet", onclick: () => this.signOut() }, t("sign.out")));
      this.isAdmin = facts.scopes.includes("admin");
    }
    addEventListener("hashchange", () => this.show());
    this.show();
  }

  async signOut() {
    await ask("session", { method: "DELETE" }).catch(() => null);
    location.reload();
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    this.main.focus();
  }

  show() {
    const { parts } = place();
    const part = parts[0] === "admin" && !this.isAdmin ? "" : parts[0] ?? "";
    const name = /** @type {Record<string, string>} */ (PARTS)[part] ?? PARTS[""];
    const shown = /** @type {any} */ (this.main.firstElementChild);
    this.links(parts[0] ?? "");
    if (shown?.localName === name && shown.follows?.(parts)) return;
    document.title = "VistaDream";
    fill(this.main, document.createElement(name));
    if (shown) this.main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** @param {string} here */
  links(here) {
    const links = [["", "nav.new"], ["scenes", "nav.scenes"], ...(this.isAdmin ? [["admin", "nav.admin"]] : [])];
    fill(this.nav, links.map(([part, text]) =>
      h("a", { href: link(part ? [part] : []), "aria-current": part === here ? "page" : null }, t(text))));
  }
}

customElements.define("vd-app", App);
