/** Two pictures over each other, with a line between them that mouse, finger and arrow keys move. */

import { fill, h, t } from "../kit.js";

class CompareSlider extends HTMLElement {
  /** @type {{title: string, src: string}[]} */
  data = [];

  connectedCallback() {
    const [left, right] = this.data;
    const above = h("img", { src: left.src, alt: left.title, class: "above" });
    const line = h("span", { class: "line", "aria-hidden": "true" });
    const range = h("input", { type: "range", min: 0, max: 100, value: 50, step: 1, "aria-label": t("compare.slider", { left: left.title, right: right.title }) });
    const place = () => {
      above.style.clipPath = `inset(0 ${100 - Number(range.value)}% 0 0)`;
      line.style.left = `${range.value}%`;
    };
    range.addEventListener("input", place);
    fill(this,
      h("img", { src: right.src, alt: right.title }), above, line, range,
      h("span", { class: "name left" }, left.title), h("span", { class: "name right" }, right.title));
    place();
  }
}

customElements.define("vd-compare-slider", CompareSlider);
