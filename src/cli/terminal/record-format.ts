import { Option } from "commander";
import type { LogRecord } from "../../reading/records/block.js";

export type RecordFormat = "text" | "json";

export function formatOption(): Option {
  return new Option("--format <format>", "text, or a JSON object for each record")
    .choices(["text", "json"])
    .default("text");
}

export function formatter(format: RecordFormat): (record: LogRecord) => string {
  return format === "json" ? toJson : ({ text }) => `${text}\n`;
}

function toJson({ file, offset, text, isWhole }: LogRecord): string {
  return `${JSON.stringify({ file, offset, text, ...(!isWhole && { isWhole }) })}\n`;
}
