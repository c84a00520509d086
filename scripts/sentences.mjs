// Fails, with where they stand, when sentences of the documentation have more than 30 words: node scripts/sentences.mjs [page...]
// Code blocks and tables are excluded. Without pages, all of docs/, README.md, CONTRIBUTING.md and SECURITY.md.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const MOST_WORDS = 30;
const root = resolve(import.meta.dirname, "..");

const pages =
  process.argv.length > 2
    ? process.argv.slice(2)
    : [
        ...["README.md", "CONTRIBUTING.md", "SECURITY.md"].map((name) => join(root, name)),
        ...readdirSync(join(root, "docs"), { recursive: true })
          .filter((name) => name.endsWith(".md"))
          .map((name) => join(root, "docs", name))
          .sort(),
      ];

/** The paragraphs, list items and headings of a page, each with the number of its first line. */
function* paragraphs(page) {
  let isCode = false;
  let lines = [];
  let first = 0;
  for (const [i, line] of [...readFileSync(page, "utf8").split("\n"), ""].entries()) {
    const isFence = /^\s*(```|~~~)/.test(line);
    const isOther = isCode || isFence || /^\s*(\||<!--|$)/.test(line) || /^(---|:::)/.test(line);
    const begins = /^\s*([-*+]|\d+\.|#+|>)\s/.test(line);
    if ((isOther || begins) && lines.length > 0) {
      yield { line: first, text: lines.join(" ") };
      lines = [];
    }
    if (isFence) isCode = !isCode;
    if (isOther) continue;
    if (lines.length === 0) first = i + 1;
    lines.push(line.trim());
  }
}

/** The sentences of a paragraph: a link is its text, and what stands in code font is one word. */
const sentences = (text) =>
  text
    .replace(/^([-*+]|\d+\.|#+|>)\s+/, "")
    .replace(/``.+?``|`[^`]+`/g, "code")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\b(e\.g|i\.e|etc)\./g, "$1")
    .split(/(?<=[.!?][*)"”]{0,3})\s+/);

const wordsOf = (sentence) => sentence.split(/\s+/).filter((word) => /\p{L}|\p{N}/u.test(word)).length;

const long = pages.flatMap((page) =>
  [...paragraphs(page)].flatMap(({ line, text }) =>
    sentences(text)
      .filter((sentence) => wordsOf(sentence) > MOST_WORDS)
      .map((sentence) => `${relative(root, resolve(page))}:${line}: ${wordsOf(sentence)} words: ${sentence}`),
  ),
);
if (long.length > 0) {
  process.stderr.write(`Sentences of more than ${MOST_WORDS} words:\n  ${long.join("\n  ")}\n`);
  process.exitCode = 1;
}
