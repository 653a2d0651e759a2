/** One run as the service tells it: its state, and each line of its events exactly once, whatever breaks meanwhile. */

import { address, ask, isSignedOut, Problem } from "./api.js";

/** @typedef {{seq: number, name: string, step: number | null, time: number, kind: string, value: any}} Line */

const LONGEST_WAIT_MS = 15000;

export class Follower {
  /**
   * @param {string} id
   * @param {{onJob: (job: import("./api.js").Job) => void, onLines: (lines: Line[]) => void,
   *     onAway: (away: boolean) => void, onGone: (isSignedOut: boolean) => void}} listener
   */
  constructor(id, listener) {
    this.id = id;
    this.listener = listener;
    this.seen = 0;
    this.waitMs = 500;
    /** @type {EventSource | null} */
    this.source = null;
    this.stopped = false;
    /** @type {Line[]} */
    this.waiting = [];
    this.allRead = false;
    this.state = "";
  }

  stop() {
    this.stopped = true;
    this.source?.close();
    clearTimeout(this.timer);
  }

  /** Asks for the job and listens to what tells of it from now on. */
  async again() {
    const job = await this.refresh();
    if (!job || this.stopped) return;
    if (job.state === "running") this.allRead = false;
    this.listen(job.state === "queued" || this.allRead ? "events" : `jobs/${this.id}/events`);
  }

  /** Asks for the job alone. */
  async refresh() {
    try {
      const job = await ask(`jobs/${this.id}`);
      if (this.stopped) return null;
      this.state = job.state;
      this.listener.onAway(false);
      this.listener.onJob(job);
      return job;
    } catch (error) {
      if (this.stopped) return null;
      if (!(error instanceof Problem && [401, 404].includes(error.status))) return this.later();
      this.stop();
      this.listener.onGone(error.status === 401 || (await isSignedOut()));
      return null;
    }
  }

  /** @returns {null} */
  later() {
    this.listener.onAway(true);
    this.source?.close();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), this.waitMs);
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    return null;
  }

  /** @param {string} path */
  listen(path) {
    this.source?.close();
    const source = new EventSource(address(path));
    this.source = source;
    let broken = false;
    source.onopen = () => {
      this.waitMs = 500;
      if (broken) this.refresh();
      broken = false;
    };
    source.onerror = () => {
      broken = true;
      this.listener.onAway(true);
      if (source.readyState === EventSource.CLOSED) this.later();
    };
    source.onmessage = (event) => this.take(JSON.parse(event.data));
    source.addEventListener("end", () => this.ended(source));
    for (const name of ["hello", "gap"]) source.addEventListener(name, () => this.refresh());
    source.addEventListener("job", (event) => this.changed(JSON.parse(event.data)));
  }

  /** @param {EventSource} source */
  ended(source) {
    source.close();
    this.allRead = true;
    this.again();
  }

  /** @param {{job: string, state: string}} change one of any job of the caller */
  changed(change) {
    if (change.job === this.id && change.state === "running") this.allRead = false;
    if (change.job === this.id) this.again();
    else if (this.state === "queued") this.refresh(); // its place in the queue may be another
  }

  /** Hands lines on in groups, so that a long run that is opened again is drawn once. @param {Line} line */
  take(line) {
    if (line.seq <= this.seen) return;
    this.seen = line.seq;
    if (this.waiting.push(line) > 1) return;
    setTimeout(() => {
      if (!this.stopped) this.listener.onLines(this.waiting);
      this.waiting = [];
    });
  }
}
