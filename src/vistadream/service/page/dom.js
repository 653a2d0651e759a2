/** Elements from plain values. Text is always text: no function here reads HTML. */

/**
 * @typedef {Record<string, any>} Props `onclick` and its like are listeners, `value`, `checked`, `data` and `text` properties,
 *     `class` and the rest attributes; true is the empty attribute, false and null leave it out.
 */

/**
 * An element with its attributes, listeners and children.
 * @template {string} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...any} children nodes, text, lists of them; what is null or false is left out
 * @returns {K extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[K] : any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (["value", "checked", "data", "text"].includes(name)) /** @type {any} */ (element)[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  return /** @type {any} */ (element);
}

/**
 * What a promise gives. Where it fails, its sentence is shown in an element, and there is nothing.
 * @template T
 * @param {Promise<T>} promise
 * @param {Element} element
 * @returns {Promise<T | undefined>}
 */
export async function orSay(promise, element) {
  return promise.catch((error) => void fill(element, h("p", { class: "bad", role: "alert" }, error.message)));
}

/** Tells those around an element what happened there. @param {Element} element @param {string} name @param {any} [detail] */
export function tell(element, name, detail) {
  element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
}

/** Replaces all children of an element. @param {Element} element @param {...any} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** @param {any[]} children @returns {(Node | string)[]} */
function nodes(children) {
  return children.flat(2).filter((each) => each !== null && each !== undefined && each !== false)
    .map((each) => (each instanceof Node ? each : String(each)));
}

/**
 * A shape of SVG.
 * @param {string} tag
 * @param {Record<string, string | number>} props
 * @param {...SVGElement} children
 * @returns {SVGElement}
 */
export function svg(tag, props, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}
