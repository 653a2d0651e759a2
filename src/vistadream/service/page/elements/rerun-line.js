/** The command that opens a recording in Rerun, by a ticket where the service needs a key, as a terminal has no cookie. */

import { ask, fill, h, once, orSay, resultAddress, t } from "../kit.js";
import "./copy-line.js";

class RerunLine extends HTMLElement {
  data = { id: "", name: "" };

  connectedCallback() {
    fill(this, h("button", { class: "quiet", onclick: () => orSay(this.show(), this) }, t("rerun.open")));
  }

  async show() {
    const { id, name } = this.data;
    const { needs_key } = await once("page");
    const query = needs_key ? `?ticket=${(await ask(`jobs/${id}/ticket`, { method: "POST" })).ticket}` : "";
    const text = `rerun "${resultAddress(id, name)}${query}"`;
    fill(this, h("small", {}, t(needs_key ? "rerun.soon" : "rerun.hint")), h("vd-copy-line", { text }));
  }
}

customElements.define("vd-rerun-line", RerunLine);
