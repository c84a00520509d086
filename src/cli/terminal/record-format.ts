import { type Command, Option } from "commander";
import { type FieldPath, parsePath } from "../../reading/fields/field-path.js";
import type { LogRecord } from "../../reading/records/block.js";
import { colours } from "./colours.js";
import { jsonLine, jsonText, printable, printableRecord } from "./printable.js";
import { refusing } from "./selection-flags.js";

/** Flags that say how records are shown. */
export interface OutputFlags {
  readonly format: "text" | "json";
  readonly fields?: readonly FieldPath[];
  readonly json?: boolean;
  readonly pretty?: boolean;
}

export function addOutputFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--format <format>", "text, or a JSON object that says where each record stands")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--fields <paths>", "print these fields, divided by tabs: time,level,msg,user.id", paths)
    .addOption(new Option("--json", "print the fields as JSON").conflicts("pretty"))
    .option("--pretty", "print time, level and message, then the other fields");
}

/** True when records are to be printed as they are. */
export function isAsItIs({ format, fields, json, pretty }: OutputFlags): boolean {
  return format === "text" && fields === undefined && !json && !pretty;
}

function paths(text: string): FieldPath[] {
  // Commas may stand in the quotes of a name.
  const names = text.match(/(?:\[(?:"[^"]*"|'[^']*')\]|[^,])+/g) ?? [""];
  return refusing(() => names.map((name) => parsePath(name.trim())));
}

/** On a terminal, records may not command it; into a file or a pipe they go as they are. */
export function formatter(flags: OutputFlags): (record: LogRecord) => string {
  const { format, fields, json, pretty } = flags;
  if (pretty) return prettyLine(fields);
  if (json) return fields === undefined ? fieldsToJson : (record) => jsonLine(picked(record, fields));
  if (fields !== undefined) return (record) => `${fields.map((path) => painted(path, record)).join("\t")}\n`;
  if (format === "json") return placeToJson;
  return process.stdout.isTTY ? (record) => `${withLevel(record)}\n` : ({ text }) => `${text}\n`;
}

function placeToJson({ file, offset, text, isWhole }: LogRecord): string {
  return jsonLine({ file, offset, text, ...(!isWhole && { isWhole }) });
}

/** All fields; those of JSON as they stand there, since large numbers would not stay what they are. */
function fieldsToJson({ text, fields }: LogRecord): string {
  if (fields === undefined) return jsonLine({ text });
  return text.startsWith("{") && !text.includes("\n") ? jsonText(text) : jsonLine({ ...fields, ...linesBehind(text) });
}

/** The lines that a crash has printed behind a record of JSON. */
function linesBehind(text: string): { lines?: readonly string[] } {
  return text.startsWith("{") ? { lines: text.split("\n").slice(1) } : {};
}

function picked(record: LogRecord, fields: readonly FieldPath[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((path) => [path.steps.join("."), path.of(record)]));
}

const { red, green, yellow, dim } = colours(process.stdout);

function paintOf(level: string | undefined): (text: string) => string {
  if (level === undefined) return (text) => text;
  if (level === "warning" || level === "notice") return yellow;
  if (level === "info" || level === "http") return green;
  return /^(?:error|critical|alert|emergency)$/.test(level) ? red : dim;
}

/** A field for people: levels by their names, and times as dates, whatever numbers a logger has for them. */
function painted(path: FieldPath, record: LogRecord): string {
  const [name] = path.steps.length === 1 ? path.steps : [];
  if (name === "level" && record.level !== undefined) return paintOf(record.level)(printable(record.level));
  if (name === "time" && record.time !== undefined) return localTime(record.time);
  return shown(path.of(record));
}

/** A value in one line. */
function shown(value: unknown): string {
  if (value === undefined) return "";
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}

const LEVEL_IN_JSON = /"(?:level|levelname|severity)"\s*:\s*("[^"]*"|\d+)/;

/** A record as it is, its level in colour. */
function withLevel(record: LogRecord): string {
  const text = printableRecord(record.text);
  const { level, fields } = record;
  if (level === undefined || text.includes("\x1b")) return text;
  const json = text.startsWith("{") ? LEVEL_IN_JSON.exec(text) : null;
  const word = json?.[1] ?? (typeof fields?.level === "string" ? fields.level : "");
  const at = json === null ? text.indexOf(word) : json.index + json[0].length - word.length;
  if (word === "" || at === -1) return text;
  return text.slice(0, at) + paintOf(level)(word) + text.slice(at + word.length);
}

// These fields stand in front already, or are of no use to people.
const SAID = new Set(
  "time timestamp @timestamp ts date datetime asctime @t level levelname levelno severity msg message @m @mt name logger pid hostname v stack @message".split(
    " ",
  ),
);

function prettyLine(paths: readonly FieldPath[] | undefined): (record: LogRecord) => string {
  return (record) => {
    const { fields, level, time, message } = record;
    if (fields === undefined) return `${printableRecord(record.text)}\n`;
    const when = time === undefined ? [] : [dim(localTime(time))];
    const who = fields.logger ?? fields.name;
    const others =
      paths === undefined
        ? Object.entries(fields).filter(([name]) => !SAID.has(name))
        : paths
            .filter(({ steps }) => !SAID.has(String(steps[0])))
            .map((path) => [path.steps.join("."), path.of(record)] as const);
    const parts = [
      ...when,
      ...(level === undefined ? [] : [paintOf(level)(printable(level.toUpperCase()).padEnd(7))]),
      ...(typeof who === "string" ? [`${printable(who)}:`] : []),
      printableRecord(message ?? ""),
      ...others
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${dim(`${printable(name)}=`)}${shown(withoutStack(value))}`),
    ];
    const behind = [...stacks(fields), ...(linesBehind(record.text).lines ?? [])];
    return [parts.join(" ").trimEnd(), ...behind.map(printableRecord), ""].join("\n");
  };
}

/** The stacks of errors, which are lines of their own. */
function stacks(fields: Readonly<Record<string, unknown>>): string[] {
  return [fields, fields.err, fields.error].flatMap((value) => {
    const stack = Object(value).stack as unknown;
    return typeof stack === "string" ? [stack] : [];
  });
}

function withoutStack(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("stack" in value)) return value;
  const { stack: _stack, ...rest } = value;
  return rest;
}

/** 2024-05-17 10:20:30.123 */
function localTime(time: number): string {
  const milliseconds = String(Math.floor(time) % 1000).padStart(3, "0");
  return `${new Date(time).toLocaleString("sv")}.${milliseconds}`;
}
