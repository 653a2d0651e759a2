/** What stands in the place of a scene that cannot be walked in: the video when there is one, else the newest picture. */

import { fill, h, resultAddress, RunPart, t } from "../kit.js";
import { pictureOf } from "./live-pictures.js";

class SceneStand extends RunPart {
  told = "";

  update() {
    const run = this.data;
    const video = run.job?.state === "done" && run.job.results.find((result) => result.media_type === "video/mp4");
    const picture = [...run.pictures.values()].at(-1);
    const told = video ? video.name : `${picture?.path} ${picture?.seq}`;
    if (told === this.told) return;
    this.told = told;
    if (video) fill(this, h("video", { src: resultAddress(run.id, video.name), controls: true, loop: true, muted: true, playsinline: true, "aria-label": t("scene.video") }));
    else fill(this, picture ? pictureOf(run.id, picture) : h("p", { class: "stage-empty" }, t("scene.waits")));
  }
}

customElements.define("vd-scene-stand", SceneStand);
