/** What GET /v1/knobs says about the knobs, for those who draw them. */

import { once } from "./api.js";

/**
 * @typedef {{enum?: any[], type?: string | string[], anyOf?: Schema[], items?: Schema, default?: any,
 *     description?: string, minimum?: number, maximum?: number, maxLength?: number,
 *     "x-with"?: string[], "x-stages"?: Record<string, string[]>}} Schema
 * @typedef {Record<string, any>} Values knobs that differ from their defaults, by name
 */

/** @returns {Promise<Record<string, Schema>>} */
export async function schemas() {
  return (await once("knobs")).properties;
}

/** @param {Schema} schema @returns {any[] | null} the values to choose from */
export function choices(schema) {
  if (schema.enum) return schema.enum;
  const parts = (schema.anyOf ?? []).map((each) => each.enum ?? null);
  return parts.length && parts.every(Boolean) ? [...new Set(parts.flat())] : null;
}

/** @param {Schema} schema @param {string} type */
export function isOf(schema, type) {
  return [schema.type].flat().includes(type);
}

/** @param {any} a @param {any} b */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @param {string} name @returns {string} the group in which a knob is listed */
export function groupOf(name) {
  const parts = name.split(/[./]/);
  return parts.length > 2 ? parts.slice(0, 2).join(".") : parts.length > 1 ? parts[0] : "";
}

/** The value of a knob as a word of the command line. @param {any} value @returns {string} */
function written(value) {
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (value === null || typeof value !== "string") return JSON.stringify(value);
  return /^[\w./+-]+$/.test(value) && !/^(null|true|false|[-+.\d].*)$/i.test(value) ? value : JSON.stringify(value);
}

/** @param {string} word @returns {string} quoted for a shell where that is needed */
function quoted(word) {
  return /^[\w./=,:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command that does the same in a terminal. @param {string | null} image @param {Values} values @returns {string} */
export function commandLine(image, values) {
  return commandOf(image, Object.entries(values).map(([name, value]) => `${name}=${written(value)}`));
}

/** The same from words, as those of a job. @param {string | null} image @param {string[]} words @returns {string} */
export function commandOf(image, words) {
  return ["vistadream", "single-img", ...(image ? [`image=${image}`] : []), ...words].map(quoted).join(" ");
}

/** @param {string[]} words of a job @returns {Values} */
export function valuesOf(words) {
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf("=")), valueOf(word.slice(word.indexOf("=") + 1))]));
}

/** @param {string} text a value as it is written on the command line @returns {any} */
export function valueOf(text) {
  const value = parsed(text);
  if (value !== undefined) return value;
  return /^\[.*\]$/.test(text) ? text.slice(1, -1).split(",").filter(Boolean).map(valueOf) : text;
}

/** @param {string | null | undefined} text @returns {any} the value that JSON writes so; undefined for none */
export function parsed(text) {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
