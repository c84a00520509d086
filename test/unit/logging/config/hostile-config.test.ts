import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { configureByIni } from "../../../../src/logging/config/file-config.js";
import { LiteralError, parseLiteral } from "../../../../src/logging/config/python-literal.js";
import { formatPositional, parsePercentFormat } from "../../../../src/logging/formatting/percent-format.js";
import { readFormat } from "../../../../src/logging/formatting/style.js";
import {
  configFromFile,
  dictConfig,
  Formatter,
  LogFileError,
  type LoggingConfig,
  makeLogRecord,
} from "../../../../src/logging.js";
import { temporaryDirectory } from "../../../support/temporary.js";

/* Configurations that want to do harm, or are broken, end in a clear error and soon. */

const SECOND = 1_000_000; // microseconds

/** Fails unless `body` ends within a second of processor time: the machine may be busy. */
function soon(body: () => void): void {
  const start = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < SECOND, `it took ${(user + system) / 1000} ms`);
}

/** Fails unless `body` throws one of our errors, and soon. */
function refuses(body: () => void): LogFileError {
  let thrown: unknown;
  soon(() => {
    try {
      body();
    } catch (error) {
      thrown = error;
    }
  });
  assert.ok(thrown instanceof LogFileError, `${thrown}`);
  assert.ok(thrown.message.length < 2000, `the message has ${thrown.message.length} characters`);
  return thrown;
}

const ini = (text: string) => () => configureByIni({ path: "hostile.ini", text }, {});
const withArgs = (args: string) =>
  ini(
    `[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n[logger_root]\nhandlers=h\n[handler_h]\nclass=StreamHandler\nargs=${args}\n`,
  );

describe("ini", () => {
  const hostile: Record<string, string> = {
    "deep nesting": "(".repeat(90_000),
    "deep nesting of dicts": "{'a':".repeat(18_000),
    "a chain of signs": "-".repeat(90_000),
    "a chain of powers": `(${"2**".repeat(30_000)}2,)`,
    "a sum without end": `(${"1+".repeat(45_000)},)`,
    "unclosed quotes": `('${"a".repeat(90_000)}`,
    "escapes without end": `('${"\\".repeat(90_001)}'`,
    "strings side by side": `(${"'a'".repeat(30_000)} x)`,
    "a number without end": `(${"9".repeat(90_000)},)`,
    "a value that is too long": "(".repeat(900_000),
    "an import": "(__import__('os').system('touch /tmp/owned'),)",
    spaces: `(${" ".repeat(90_000)}x)`,
    comments: `(${"#\n  ".repeat(20_000)}`,
  };
  for (const [name, args] of Object.entries(hostile)) {
    test(name, () => {
      refuses(withArgs(args));
    });
  }

  /** Names in the section of a handler, each of which is `times` the next; `leaf` is the last. */
  const nested = (depth: number, times: number, leaf: string) => {
    const names = Array.from({ length: depth }, (_, i) => `a${i}=${`%(a${i + 1})s`.repeat(times)}`);
    return withArgs(`%(a0)s\n${names.join("\n")}\na${depth}=${leaf}`);
  };

  test("names within names that grow without end", () => {
    assert.match(refuses(nested(6, 50, "xxxxxxxxxx")).message, /more than 100000 characters|1000000 characters in all/);
  });

  test("names within names that stand for nothing, or for blank lines", () => {
    for (const leaf of ["", "\n \n".repeat(100_000)])
      assert.match(refuses(nested(9, 10, leaf)).message, /stand for more than 1000000 characters in all/);
    const long = "a".repeat(90_000);
    const names = `a0=${"%(a1)s".repeat(10_000)}\na1=%(${long})s\n${long}=\n`;
    assert.match(refuses(withArgs(`%(a0)s\n${names}`)).message, /stand for more than 1000000 characters in all/);
  });

  test("half of a name, many times", () => {
    refuses(withArgs("%(".repeat(400_000)));
    refuses(withArgs(`${"%(class)s".repeat(10_000)}%(`));
  });

  test("a file of 10 MB", (t) => {
    const path = join(temporaryDirectory(t), "large.ini");
    writeFileSync(path, `[a]\n${"x=1\n".repeat(2_500_000)}`);
    assert.match(refuses(() => configFromFile(path)).message, /one megabyte/);
  });

  test("a megabyte of lines, sections, or half lines", () => {
    for (const line of ["[a\n", "=\n", "[a]\n", "x\n", " \n", "[s]\nx=1\n y\n", ":=[\n"])
      refuses(ini(line.repeat(1_000_000 / line.length)));
  });

  test("whatever it is, an error of ours or none", () => {
    const piece = fc.constantFrom(
      "[loggers]",
      "[handlers]",
      "[handler_h]",
      "keys",
      "=",
      "root",
      "h",
      "%(",
      ")s",
      "%",
      "\n",
      "\n ",
      ",",
      "[DEFAULT]",
      "args=",
      "(",
      "'",
      "class=StreamHandler",
      "#",
      "\\",
    );
    const text = fc
      .array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 5 })), { maxLength: 60 })
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, (one) => onlyOurs(ini(one))),
      { numRuns: 700 },
    );
  });
});

function onlyOurs(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof LogFileError)) throw error;
  }
}

test("20,000 loggers, and one whose name has 200,000 parts, are made as soon as few are", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => i.toString(36));
  const sections = names.map((name) => `[logger_${name}]\nqualname=hostile.${name}\nhandlers=\n`).join("");
  const none = "[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n";
  soon(ini(`[loggers]\nkeys=root,${names}\n${none}${sections}`));
  soon(() => dictConfig({ version: 1, loggers: Object.fromEntries(names.map((name) => [`hostile2.${name}`, {}])) }));
  soon(() => dictConfig({ version: 1, loggers: { ["hostile.".repeat(200_000)]: {}, hostile: {} } }));
});

test("a literal is a value or an error, whatever it is", () => {
  const piece = fc.constantFrom(
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "'''",
    ",",
    ":",
    "1",
    "0x",
    "1e9",
    "**",
    "<<",
    "-",
    "~",
    "a",
    "True",
    "r'",
    "\\",
    "\n",
    " ",
    "#",
    ".",
    "__class__",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 40 }), (pieces) => {
      try {
        parseLiteral(pieces.join(""), new Map([["True", true]]));
      } catch (error) {
        if (!(error instanceof LiteralError)) throw error;
      }
    }),
    { numRuns: 1500 },
  );
});

test("a literal that JSON can write is read as it is", () => {
  const value = fc
    .jsonValue({ maxDepth: 4, noUnicodeString: false })
    .filter((one) => !/\d{16}|e/.test(JSON.stringify(one)));
  const names = new Map<string, unknown>([
    ["true", true],
    ["false", false],
    ["null", null],
  ]);
  fc.assert(
    fc.property(value, (one) => {
      assert.deepEqual(
        JSON.parse(JSON.stringify(parseLiteral(JSON.stringify([one]), names))),
        JSON.parse(JSON.stringify([one])),
      );
    }),
    { numRuns: 400 },
  );
});

describe("dictConfig", () => {
  const handler =
    (options: object, more: object = {}) =>
    () =>
      dictConfig({ version: 1, handlers: { h: { class: "NullHandler", ...options } }, ...more } as LoggingConfig);

  test("cycles and references that multiply", () => {
    refuses(handler({ x: "cfg://handlers.h.x" }));
    refuses(handler({ x: "cfg://handlers.h" }));
    const bombs = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`b${i}`, Array(10).fill(`cfg://b${i + 1}`)]),
    );
    refuses(handler({ x: "cfg://b0" }, { ...bombs, b20: "x" }));
    const circular: Record<string, unknown> = {};
    circular.x = circular;
    refuses(handler(circular));
    refuses(handler({ x: `cfg://${"a.".repeat(100_000)}` }));
    refuses(handler({ x: `cfg://a${"[".repeat(100_000)}` }));
  });

  test("formats that are too wide, or broken", () => {
    const wide = new Formatter("{message:>999999999}", { style: "{" });
    refuses(() => wide.format(makeLogRecord({ msg: "x" })));
    for (const [style, format] of [
      ["%", "%(message)999999999s"],
      ["{", "{".repeat(100_000)],
      ["{", `{message:${"{a:".repeat(1000)}`],
      ["%", "%(".repeat(100_000)],
      ["%", `%(message)${"0".repeat(900_000)}`],
      ["%", `%(message)${"0".repeat(900_000)}5`],
      ["$", "$".repeat(100_001)],
    ] as const)
      refuses(() => dictConfig({ version: 1, formatters: { f: { format, style } } }));
  });

  test("whatever it is, an error of ours or none", () => {
    const key = fc.constantFrom(
      "version",
      "handlers",
      "formatters",
      "filters",
      "loggers",
      "root",
      "h",
      "class",
      "()",
      ".",
      "level",
      "filename",
      "incremental",
      "__proto__",
      "constructor",
      "target",
      "stream",
    );
    const leaf = fc.oneof(
      fc.constantFrom(
        "cfg://handlers.h",
        "ext://sys.stdout",
        "StreamHandler",
        "MemoryHandler",
        "h",
        1,
        null,
        true,
        "INFO",
        "NullHandler",
        "Formatter",
      ),
      fc.string(),
      fc.integer(),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "medium", withCrossShrink: true },
        leaf,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree), (config) => onlyOurs(() => dictConfig({ ...config, version: 1 }))),
      { numRuns: 700 },
    );
  });

  test("YAML that multiplies or is deep, JSON that is deep", (t) => {
    const directory = temporaryDirectory(t);
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return () => configFromFile(join(directory, name));
    };
    const laughs = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(",")}]`);
    const laughing = (use: string) => file("laughs.yaml", `version: 1\na0: &a0 x\n${laughs.join("\n")}\n${use}\n`);
    soon(laughing("")); // nobody asks for it
    refuses(laughing("handlers: {h: {class: NullHandler, x: *a12}}"));
    const keys = Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join(", ");
    refuses(file("merged.yaml", `a: &a {${keys}}\nb: {<<: [${Array(2000).fill("*a").join(",")}]}\n`));
    const merges = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} {<<: [${Array(9).fill(`*a${i}`).join(",")}]}`,
    );
    soon(file("merges.yaml", `version: 1\na0: &a0 {x: 1}\n${merges.join("\n")}\n`));
    for (const piece of ["[", "{a: ", "- ", "? ", "[{[["])
      refuses(file("deep.yaml", piece.repeat(10_000 / piece.length)));
    refuses(file("large.yaml", "x: 1\n".repeat(100_000)));
    refuses(file("deep.json", "[".repeat(500_000)));
    refuses(
      file(
        "deep2.json",
        `{"version":1,"handlers":{"h":{"class":"NullHandler","x":${"[".repeat(10_000)}${"]".repeat(10_000)}}}}`,
      ),
    );
  });
});

describe("fields of formats", () => {
  for (const [format, value, text] of [
    ["{x:>12}", 1.5e-7, "      1.5e-7"],
    ["{x:>+9}", -1.5e-7, "  -1.5e-7"],
    ["{x:.3}", Number.POSITIVE_INFINITY, "inf"],
    ["{x:.3}", Number.NaN, "nan"],
    ["{x:>24}", -(10n ** 20n), "  -100000000000000000000"],
    ["{x:n}", 1.5, "1.5"],
    ["{x:c}", 65, "A"],
    ["{x:_x}", 65_535, "ffff"],
  ] as const)
    test(`${format} of ${value}`, () => {
      assert.equal(new Formatter(format, { style: "{" }).format(makeLogRecord({ x: value })), text);
    });
  for (const [format, value, message] of [
    ["{x:c}", 0x110000, "%c arg not in range(0x110000)"],
    ["{x:c}", 1.5, "Unknown format code 'c' for object of type 'float'"],
    ["{x:+c}", 65, "Sign not allowed with integer format specifier 'c'"],
    ["{x:,x}", 255, "Cannot specify ',' with 'x'."],
    ["{x:_n}", 5, "Cannot specify '_' with 'n'."],
  ] as const)
    test(`${format} of ${value}, which Python refuses as well`, () => {
      const formatter = new Formatter(format, { style: "{" });
      assert.throws(() => formatter.format(makeLogRecord({ x: value })), { code: "ERR_CLH_FORMAT", message });
    });
  test("names are of any letters", () => {
    for (const [style, format] of [
      ["%", "%(größe)s"],
      ["{", "{größe}"],
    ] as const)
      assert.equal(new Formatter(format, { style }).format(makeLogRecord({ größe: 5 })), "5");
  });
});

test("a format is text or an error, whatever it is", () => {
  const piece = fc.constantFrom(
    "%",
    "(",
    ")",
    "s",
    "d",
    "{",
    "}",
    "!",
    ":",
    "$",
    "message",
    "*",
    ".",
    "-",
    "0",
    "5",
    "x",
    "[",
    "]",
    "#",
    "%(message)s",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), fc.array(fc.anything(), { maxLength: 3 }), (pieces, args) => {
      const text = pieces.join("");
      onlyOurs(() => void formatPositional(parsePercentFormat(text), args));
      for (const style of ["%", "{", "$"])
        for (const validate of [true, false])
          onlyOurs(() => void readFormat(style, text, validate).style.format((name) => ({ message: "m" })[name]));
    }),
    { numRuns: 700 },
  );
});
