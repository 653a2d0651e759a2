/** Where in the page somebody is, in the part of the address after #, so that reload, back and links keep it. */

/** @typedef {{parts: string[], query: URLSearchParams}} Place */

/** @returns {Place} */
export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query ?? "") };
}

/** @param {string[]} parts @param {Record<string, string>} [query] @returns {string} the link to a place */
export function link(parts, query = {}) {
  const asked = new URLSearchParams(query).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${asked ? `?${asked}` : ""}`;
}

/** @param {string[]} parts */
export function go(parts) {
  location.hash = link(parts);
}

/** Changes the query of the address without a step in the history. @param {Record<string, string>} query */
export function keepInAddress(query) {
  history.replaceState(null, "", link(place().parts, query));
}
