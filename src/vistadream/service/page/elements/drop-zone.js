/** The place for a photo: dropped, chosen, pasted or taken with a phone; several at once; or words, or the sample. */

import { fill, h, once, size, t, tell } from "../kit.js";

const SAMPLE = "sample.webp";
const NOT_DECODED_HERE = /\.(hei[cf]|tiff?)$/i;
/** Pictures that the service reads and many browsers do not. */

/** @typedef {{request_bytes: number, batch_bytes: number, batch_files: number, pixels: number}} Limits of the service */

class DropZone extends HTMLElement {
  input = h("input", { type: "file", accept: "image/*,.heic,.heif", multiple: true, class: "hidden", id: "photo", onchange: () => this.take(this.input) });
  camera = h("input", { type: "file", accept: "image/*", capture: "environment", class: "hidden", id: "camera", onchange: () => this.take(this.camera) });
  zone = h("label", { class: "zone", for: "photo" }, h("span", { class: "button primary" }, t("drop.choose")), h("span", { class: "hint" }, t("drop.hint")));
  said = h("div", { role: "alert" });

  connectedCallback() {
    this.ends = new AbortController();
    const listen = (/** @type {string} */ name, /** @type {(event: any) => void} */ act) => document.addEventListener(name, act, { signal: this.ends?.signal });
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) listen(name, (event) => this.over(event));
    listen("paste", (event) => event.clipboardData?.files.length && this.take(event.clipboardData));
    fill(this,
      h("h1", {}, t("drop.title")),
      h("p", { class: "lead" }, t("drop.lead")),
      h("div", { class: "zone-frame" }, this.input, this.zone),
      h("div", { class: "zone-frame by-phone" }, this.camera, h("label", { class: "button", for: "camera" }, t("drop.camera"))),
      this.said,
      h("div", { class: "alternatives" }, this.sample(), this.words()));
  }

  disconnectedCallback() {
    this.ends?.abort();
  }

  /** What is dropped anywhere on the page is taken: the browser would leave the page for it. @param {DragEvent} event */
  over(event) {
    event.preventDefault();
    this.zone.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer?.files.length) this.take(event.dataTransfer);
  }

  sample() {
    const picture = h("img", { src: `./page/${SAMPLE}`, alt: "", width: 96, height: 72, loading: "lazy" });
    return h("button", { class: "sample", onclick: () => this.takeSample() }, picture, h("span", {}, t("drop.sample")));
  }

  words() {
    const field = h("textarea", { rows: 2, maxlength: 2000, placeholder: t("drop.words_example"), "aria-label": t("drop.words") });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (field.value.trim()) tell(this, "chosen", { files: [], prompt: field.value.trim() });
    };
    return h("form", { class: "describe", onsubmit: submit }, field, h("button", {}, t("drop.words_go")));
  }

  async takeSample() {
    const picture = await (await fetch(`./page/${SAMPLE}`)).blob();
    tell(this, "chosen", { files: [new File([picture], SAMPLE, { type: picture.type })] });
  }

  /** @param {{files: FileList | null}} source */
  async take(source) {
    const files = [...(source.files ?? [])];
    if (source instanceof HTMLInputElement) source.value = ""; // the same file may be chosen again
    if (!files.length) return;
    const { limits } = await once("page").catch(() => ({ limits: null }));
    const wrong = [limits && this.tooMuch(files, limits)].filter(Boolean);
    for (const [k, file] of wrong.length ? [] : files.entries()) {
      if (files.length > 1) fill(this.said, h("p", { class: "hint" }, t("drop.looking", { n: k + 1, all: files.length })));
      wrong.push(...[await this.wrong(file, limits)].filter(Boolean));
    }
    fill(this.said, wrong.map((sentence) => h("p", { class: "bad" }, sentence)));
    if (!wrong.length) tell(this, "chosen", { files });
  }

  /** @param {File[]} files @param {Limits} limits @returns {string} why the service would not take them; "" where it would */
  tooMuch(files, { request_bytes, batch_bytes, batch_files }) {
    const most = files.length > 1 ? batch_bytes : request_bytes;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (files.length > batch_files) return t("drop.too_many", { n: files.length, most: batch_files });
    if (bytes <= most) return "";
    return t(files.length > 1 ? "drop.too_big_together" : "drop.too_big", { name: files[0].name, size: size(bytes), most: size(most) });
  }

  /** @param {File} file @param {Limits | null} limits @returns {Promise<string>} why it cannot be taken, before anything is sent; "" where it can */
  async wrong(file, limits) {
    const name = file.name;
    if (file.size === 0) return t("drop.empty", { name });
    if (NOT_DECODED_HERE.test(name)) return "";
    const picture = new Image();
    const address = URL.createObjectURL(file);
    try {
      await new Promise((resolve, reject) => Object.assign(picture, { onload: resolve, onerror: reject, src: address }));
      const pixels = picture.naturalWidth * picture.naturalHeight;
      if (limits && pixels > limits.pixels) return t("drop.too_many_pixels", { name, n: Math.round(pixels / 1e6), most: Math.floor(limits.pixels / 1e6) });
      await picture.decode();
      return "";
    } catch {
      return t("drop.no_picture", { name });
    } finally {
      URL.revokeObjectURL(address);
    }
  }
}

customElements.define("vd-drop-zone", DropZone);
