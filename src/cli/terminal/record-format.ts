import { Option } from "commander";
import type { LogRecord } from "../../reading/records/block.js";
import { jsonLine, printableRecord } from "./printable.js";

export type RecordFormat = "text" | "json";

export function formatOption(): Option {
  return new Option("--format <format>", "text, or a JSON object for each record")
    .choices(["text", "json"])
    .default("text");
}

/** On a terminal, records may not command it; into a file or a pipe they go as they are. */
export function formatter(format: RecordFormat): (record: LogRecord) => string {
  if (format === "json") return toJson;
  return process.stdout.isTTY ? ({ text }) => `${printableRecord(text)}\n` : ({ text }) => `${text}\n`;
}

function toJson({ file, offset, text, isWhole }: LogRecord): string {
  return jsonLine({ file, offset, text, ...(!isWhole && { isWhole }) });
}
