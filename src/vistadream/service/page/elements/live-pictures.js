/** The newest picture of each kind that the run has shown. */

import { fill, h, named, resultAddress, RunPart, t } from "../kit.js";

class LivePictures extends RunPart {
  grid = h("div", { class: "pictures" });
  empty = h("p", { class: "hint" }, t("pictures.none"));

  connectedCallback() {
    /** @type {Map<string, {figure: HTMLElement, seq: number}>} */
    this.shown = new Map();
    fill(this, this.empty, this.grid);
    this.update();
  }

  update() {
    const pictures = [...this.data.pictures.values()];
    if (this.empty) this.empty.hidden = pictures.length > 0;
    for (const picture of pictures) {
      const before = this.shown?.get(picture.path);
      if (before?.seq === picture.seq) continue;
      const figure = pictureOf(this.data.id, picture);
      if (before) before.figure.replaceWith(figure);
      else this.grid.append(figure);
      this.shown?.set(picture.path, { figure, seq: picture.seq });
    }
  }
}

/** A picture with its name. @param {string} id @param {import("../run.js").Picture} picture @returns {HTMLElement} */
export function pictureOf(id, { path, stage, role, part, seq }) {
  const kind = ["picture", "rgb"].includes(part) ? "" : ` · ${named("picture", part)}`;
  const title = `${named("stage-step", stage)} · ${named("picture", role)}${kind}`;
  const picture = h("img", { src: `${resultAddress(id, path)}?v=${seq}`, alt: title, loading: "lazy" });
  const figure = h("figure", {}, picture, h("figcaption", {}, title));
  picture.addEventListener("error", () => (figure.hidden = true));
  return figure;
}

customElements.define("vd-live-pictures", LivePictures);
