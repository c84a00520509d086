import { type Fields, ISO_TIME, type Shape } from "./shapes.js";

/** A part of a layout: a text that stands in every record, or a field. */
type Part = { readonly text: string } | { readonly field: string };

// The names that fields have here, by those of Python's logging and the letters of log4js.
const NAMES: Readonly<Record<string, string>> = {
  asctime: "time",
  levelname: "level",
  name: "logger",
  msg: "message",
  d: "time",
  p: "level",
  c: "logger",
  m: "message",
  h: "host",
  z: "pid",
  f: "file",
  l: "line",
  r: "time",
};
const MAY_BE: Readonly<Record<string, RegExp>> = { level: /^[A-Za-z]\S{0,19}$/, time: /\d/ };
const TIME = new RegExp(ISO_TIME, "y");
// %(name)-8s, {name:<8}, %d{...}, %-5p; %n is the end of the line, %[ and %] are colours of log4js.
const PLACE =
  /%\((\w+)\)[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]|\{(\w+)(?:![rsa])?(?::[^}]*)?\}|%-?\d*(?:\.\d+)?(?:([dpcmhzflr])(?:\{[^}]*\})?(?![\w(])|[n[\]])/g;

/** True for a text with places of fields, as loggers are configured with. */
export function isLayout(text: string): boolean {
  return text.search(PLACE) !== -1;
}

/**
 * Records as a format of Python's logging (`%` or `{`) or of log4js makes them. They are read without going back, so that
 * no record takes longer than its length.
 * @throws {Error} when the end of a field could not be told
 */
export function layoutShape(layout: string): Shape {
  const parts = partsOf(layout);
  for (const [i, part] of parts.entries()) {
    const next = parts[i + 1];
    if ("field" in part && next !== undefined && "field" in next)
      throw new Error(`nothing stands between "${part.field}" and "${next.field}", so that neither can be told`);
  }
  const parse = (text: string) => fieldsOf(parts, text);
  return { isTimed: true, parse, begins: (line) => parse(line) !== undefined };
}

function partsOf(layout: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of layout.matchAll(PLACE)) {
    const text = layout.slice(at, match.index);
    if (text !== "") parts.push({ text });
    at = match.index + match[0].length;
    const name = match[1] ?? match[2] ?? match[3];
    if (name !== undefined) parts.push({ field: NAMES[name] ?? name });
  }
  if (at < layout.length) parts.push({ text: layout.slice(at) });
  return parts;
}

function fieldsOf(parts: readonly Part[], text: string): Fields | undefined {
  const fields: Record<string, unknown> = {};
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if ("text" in part) {
      if (!text.startsWith(part.text, at)) return undefined;
      at += part.text.length;
      continue;
    }
    while (text[at] === " ") at++; // it was padded
    const end = endOf(part.field, parts[i + 1] as { text: string } | undefined, text, at);
    if (end === -1) return undefined;
    const value = text.slice(at, end).trimEnd();
    if (MAY_BE[part.field]?.test(value) === false) return undefined; // a line of a stack trace
    fields[part.field] = part.field !== "message" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    at = end;
  }
  return fields;
}

function endOf(field: string, next: { text: string } | undefined, text: string, at: number): number {
  if (next === undefined) return text.length;
  TIME.lastIndex = at;
  const isTime = field === "time" && TIME.test(text); // it may have in it what stands behind it
  return text.indexOf(next.text, isTime ? TIME.lastIndex : at);
}
