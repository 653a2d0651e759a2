/** The public API of the service, and nothing else. Addresses are relative to the page, for prefixes and other ports. */

import { t } from "./texts.js";

/**
 * @typedef {{done: number, total: number}} Progress
 * @typedef {{name: string, url: string, bytes: number, media_type: string}} Result
 * @typedef {{id: string, state: string, input: string | null, words: string[], error: string | null, created: string,
 *     started: string | null, finished: string | null, place: number | null, joined: string | null,
 *     stage: string | null, progress: Progress | null, seconds_left: number | null, memory_steps: string[],
 *     figures: Record<string, any> | null, results: Result[], cached_from: string | null, before: string | null}} Job
 */

/** What went wrong, in the sentence of the service. */
export class Problem extends Error {
  /** @param {number} status 0: the service was not reached @param {string} sentence @param {string | null} knob */
  constructor(status, sentence, knob = null) {
    super(sentence);
    this.status = status;
    this.knob = knob;
  }
}

/** @param {string} path @returns {string} the address of a route */
export function address(path) {
  return new URL(`v1/${path}`, document.baseURI).href;
}

/** @param {string} id @param {string} name @param {string} room `gallery` for a run of another folder @returns {string} the address of a result */
export function resultAddress(id, name, room = "jobs") {
  return address(`${room}/${id}/results/${name.split("/").map(encodeURIComponent).join("/")}`);
}

/**
 * The answer of a route; Problem where it is none.
 * @param {string} path
 * @param {{method?: string, body?: any}} [options] a body is sent as JSON
 * @returns {Promise<any>}
 */
export async function ask(path, { method = "GET", body } = {}) {
  const sent = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await patiently(() => fetch(address(path), { method, ...sent })).catch(() => {
    throw new Problem(0, t("error.unreachable"));
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, answer);
  return answer;
}

/**
 * The answer of a service that may be starting: it says with 503 when to ask again.
 * @param {() => Promise<Response>} request
 * @param {number} [tries]
 * @returns {Promise<Response>}
 */
async function patiently(request, tries = 5) {
  const response = await request();
  const wait_s = Number(response.headers.get("Retry-After") ?? 0);
  if (response.status !== 503 || !wait_s || wait_s > 10 || tries <= 1) return response;
  await new Promise((resolve) => setTimeout(resolve, 1000 * wait_s));
  return patiently(request, tries - 1);
}

/** @param {number} status @param {any} answer @returns {Problem} */
function problemOf(status, answer) {
  if (status === 401) return new Problem(status, t("error.signed_out"));
  return new Problem(status, answer?.detail ?? t("error.status", { status }), answer?.knob ?? null);
}

/**
 * Sends a form and says how far the upload is. The same key makes it safe to send again.
 * @param {string} path
 * @param {FormData} form
 * @param {string} key
 * @param {(share: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export function upload(path, form, key, onProgress, signal) {
  const request = new XMLHttpRequest();
  request.open("POST", address(path));
  request.setRequestHeader("Idempotency-Key", key);
  request.responseType = "json";
  request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.onload = () => (request.status < 300 ? resolve(request.response) : reject(problemOf(request.status, request.response)));
    request.onerror = () => reject(new Problem(0, t("error.upload_broken")));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    request.send(form);
  });
}

/** @returns {string} a name that no other request has */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns {Promise<boolean>} whether the service lets in whoever is here in another way than when the page was opened */
export async function isSignedOut() {
  const [was, is] = await Promise.all([once("page"), ask("page")]).catch(() => [null, null]);
  return was?.needs_key !== is?.needs_key;
}

/** @type {Map<string, Promise<any>>} */
const kept = new Map();

/**
 * The answer of a route that says the same as long as the page is open. A failed one is asked for again.
 * @param {string} path
 * @returns {Promise<any>}
 */
export function once(path) {
  const asked = kept.get(path) ?? ask(path);
  kept.set(path, asked);
  asked.catch(() => kept.delete(path));
  return asked;
}
