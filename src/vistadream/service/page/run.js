/** What the lines of a run's events have said so far. */

/**
 * @typedef {{path: string, stage: string, role: string, part: string, seq: number}} Picture
 * @typedef {{began: number, seconds: number | null, kept: boolean, gaussians: number}} StageTime
 */

export class Run {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {import("./api.js").Job | null} */
    this.job = null;
    /** @type {Map<string, Picture>} the newest of each kind, the oldest first */
    this.pictures = new Map();
    /** @type {{text: string, level: string, time: number}[]} */
    this.notes = [];
    /** @type {Map<string, number[]>} */
    this.numbers = new Map();
    /** @type {Map<string, StageTime>} */
    this.stages = new Map();
    /** @type {{stage: string, done: number, total: number} | null} */
    this.progress = null;
    this.lastSeq = 0;
  }

  /** @param {import("./follow.js").Line} line */
  take(line) {
    this.lastSeq = line.seq;
    const stage = line.name.split("/")[0];
    const kinds = /** @type {Record<string, () => void>} */ ({
      run_started: () => (this.stages.clear(), (this.progress = null)),
      stage_started: () => this.stages.set(line.value.stage, { began: line.time, seconds: null, kept: false, gaussians: 0 }),
      stage_finished: () => this.finished(line),
      progress: () => (this.progress = { stage, done: line.value.done, total: line.value.total }),
      note: () => this.notes.push({ text: line.value.text, level: line.value.level, time: line.time }),
      number: () => this.number(line),
    });
    (kinds[line.kind] ?? (() => null))();
    for (const [part, path] of Object.entries(line.value?.pictures ?? {})) this.picture(line, stage, part, path);
  }

  /** @param {import("./follow.js").Line} line */
  finished({ value, time }) {
    this.stages.set(value.stage, { began: time, seconds: value.seconds, kept: Boolean(value.resumed), gaussians: value.gaussians ?? 0 });
    this.progress = null;
  }

  /** @param {import("./follow.js").Line} line */
  number({ name, value }) {
    const curve = name.replace(/\/\d+(?=\/)/g, "");
    if (value !== null) this.numbers.set(curve, [...(this.numbers.get(curve) ?? []), value].slice(-400));
  }

  /** @param {import("./follow.js").Line} line @param {string} stage @param {string} part @param {string} path */
  picture(line, stage, part, path) {
    this.pictures.delete(path);
    this.pictures.set(path, { path, stage, role: line.name.split("/").slice(-1)[0], part, seq: line.seq });
  }

  /** @returns {[string, number][]} the stages whose Gaussians can be seen, and when each ended */
  get scenes() {
    const seen = [...this.stages].filter(([, time]) => time.seconds !== null && time.gaussians > 0);
    return seen.map(([stage, time]) => [stage, time.began]);
  }
}

/** A part of the page about one run. */
export class RunPart extends HTMLElement {
  data = new Run("");

  connectedCallback() {
    this.update();
  }

  /** Called when there is more to know about the run. */
  update() {}
}
