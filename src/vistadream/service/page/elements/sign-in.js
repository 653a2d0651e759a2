/** Where a key or token is given once, for a cookie that no script can read. */

import { ask, fill, h, t } from "../kit.js";

class SignIn extends HTMLElement {
  key = h("input", { id: "key", type: "password", required: true, autocomplete: "current-password" });
  said = h("p", { class: "bad", role: "alert" });

  connectedCallback() {
    const form = h("form", { class: "sign-in", onsubmit: (/** @type {Event} */ event) => this.signIn(event) },
      h("label", { for: "key" }, t("sign.key")), this.key, h("button", { class: "primary" }, t("sign.in")));
    fill(this, h("h1", {}, t("sign.title")), h("p", { class: "hint" }, t("sign.hint")), form, this.said);
    this.key.focus();
  }

  /** @param {Event} event */
  async signIn(event) {
    event.preventDefault();
    try {
      await ask("session", { method: "POST", body: { key: this.key.value } });
      location.reload();
    } catch (error) {
      fill(this.said, error instanceof Object && "status" in error && error.status === 401 ? t("sign.wrong") : /** @type {Error} */ (error).message);
      this.key.select();
    }
  }
}

customElements.define("vd-sign-in", SignIn);
