/** A line to copy, such as a command. */

import { fill, h, t } from "../kit.js";

class CopyLine extends HTMLElement {
  code = h("code");
  button = h("button", { class: "quiet", onclick: () => this.copy() }, t("copy.copy"));

  /** @param {string} text */
  set text(text) {
    fill(this.code, text);
    if (!this.childElementCount) fill(this, this.code, this.button);
  }

  /** Puts the line into the clipboard, or selects it where the browser does not let a page do that, as without https. */
  async copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent ?? "");
      fill(this.button, t("copy.copied"));
    } catch {
      getSelection()?.selectAllChildren(this.code);
      fill(this.button, t("copy.by_hand"));
    }
    setTimeout(() => fill(this.button, t("copy.copy")), 2000);
  }
}

customElements.define("vd-copy-line", CopyLine);
