/** Names for the viewer's own buttons, which have pictures alone, for those who do not see them. */

import { t } from "./texts.js";

/** The texts by the last part of the buttons' classes. */
const TEXTS = {
  play: "viewer.play", pause: "viewer.pause", orbitCamera: "viewer.orbit", flyCamera: "viewer.fly", fpsCamera: "viewer.walk",
  settings: "viewer.settings", controlsButton: "viewer.controls", info: "viewer.help", arMode: "viewer.ar", vrMode: "viewer.vr",
  enterFullscreen: "viewer.full", exitFullscreen: "viewer.not_full", annotationPrev: "viewer.before", annotationNext: "viewer.next",
  controlsHintClose: "viewer.close", infoClose: "viewer.close",
};

/** @param {Element} container of a viewer */
export function label(container) {
  for (const [name, text] of Object.entries(TEXTS)) container.querySelector(`button.sse-${name}`)?.setAttribute("aria-label", t(text));
}
