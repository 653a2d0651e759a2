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

  async copy() {
    const text = this.code.textContent ?? "";
    const done = await copyText(text, this.code);
    fill(this.button, t(done ? "copy.copied" : "copy.by_hand"));
    setTimeout(() => fill(this.button, t("copy.copy")), 2000);
  }
}

/**
 * Puts text into the clipboard, or selects it where the browser does not let a page do that, as without https.
 * @param {string} text
 * @param {Node} shown
 */
async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}

customElements.define("vd-copy-line", CopyLine);
