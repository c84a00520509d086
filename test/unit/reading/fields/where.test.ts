import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Condition } from "../../../../src/reading/fields/condition.js";
import type { Described } from "../../../../src/reading/fields/field-path.js";
import { KeyScan } from "../../../../src/reading/fields/key-scan.js";
import { parseWhere } from "../../../../src/reading/fields/where.js";

const described = (fields: Record<string, unknown>): Described => ({
  fields,
  level: "warning",
  time: Date.UTC(2024, 4, 17),
  message: "hello",
});

const RECORD = {
  status: 503,
  path: "/api/users",
  user: { id: 42, name: "Ann", "last-name": "O'Neil", admin: false, mail: null, tags: [] },
  items: [{ n: 1 }, { n: 2 }],
  "cs(User-Agent)": "curl",
  "log.origin": "x",
  level: 50,
  text: "7",
  größe: 3,
  empty: "",
};

describe("a condition holds", () => {
  for (const [where, expected] of [
    ["status>=500", true],
    ["status >= 504", false],
    ["500 <= status", true],
    ["status = 503 and path ~ '^/api'", true],
    ['status<500 && path~"/api" || !user.mail', true],
    ["status<500 && (path~'/api' || !user.mail)", false],
    ["not status < 500", true],
    ["!(status < 500) && !!user.id", true],
    ["user.id == 42", true],
    ["user.id == '42'", true],
    ["user.id != 42", false],
    ["user.nobody != 42", true],
    ["user.nobody == null and user.mail == null", true],
    ["user.nobody < 1 or user.nobody >= 1", false],
    ["user.admin == false", true],
    ["user.admin", false],
    ["user.tags", true],
    ["empty", false],
    ["user.name == 'Ann'", true],
    ["user.name > 'Aaa' && user.name < 'B'", true],
    ["user['last-name'] == \"O'Neil\"", true],
    ["user.last-name ~ /^o'n/i", true],
    ["user.name !~ /^a/", true],
    ["user.nobody !~ /^a/", true],
    ["user.nobody ~ /undefined/", false],
    ["items[1].n == 2", true],
    ["items[2].n == 2", false],
    ["['cs(User-Agent)'] =~ 'curl'", true],
    ["log.origin == 'x'", true],
    ["path ~ '^/\\w+/\\w+$'", true],
    ["path ~ /\\/api\\/[u/]sers/", true],
    ["text < 10", true],
    ["-1.5e1 < .5", true],
    ["größe == 3", true],
    ["constructor || user.__proto__ || items.length == 3", false],
    ["level >= 'warning'", true],
    ["level > 'error'", false],
    ["level == 'err' && level >= 50", true],
    ["'fatal' > level", true],
    ["msg == 'hello' && time ~ '^2024-05-17T'", true],
    ["user == user", true],
    ["true && !false && !null && !0 && 1 && 'x'", true],
  ] as const) {
    test(`${where}: ${expected}`, () => assert.equal(parseWhere(where).holds(described(RECORD)), expected));
  }

  test("not of a record without fields, but for what it does not have", () => {
    const plain: Described = { fields: undefined, level: undefined, time: undefined, message: undefined };
    assert.equal(parseWhere("status > 1 || level < 'error'").holds(plain), false);
    assert.equal(parseWhere("!status").holds(plain), true);
  });
});

describe("what is no condition names the column", () => {
  for (const [where, message] of [
    ["", /^column 1: expected a field or a value, and it ends there$/],
    ["status >=", /^column 10: expected a field or a value, and it ends/],
    ["status >= && x", /^column 11: expected a field or a value, got "&&"$/],
    ["status >= 500 user", /^column 15: expected &&, \|\| or the end, got "user"$/],
    ["(status", /^column 8: expected "\)", and it ends there$/],
    ["status)", /^column 7: expected &&/],
    ["a & b", /^column 3: "&" is no part of an expression$/],
    ["a == 'x", /^column 6: the text has no closing quote$/],
    ["a ~ '('", /^column 5: Invalid regular expression: .*Unterminated group/],
    ["a ~ /(/", /^column 5: .*Unterminated group/],
    ["a ~ /x/q", /^column 5: .*flags/],
    ["a ~ 5", /^column 5: expected a pattern such as "\^\/api"/],
    ["a ~ b", /^column 5: expected a pattern/],
    ["a..b == 1", /^column 1: "a." is no path of a field$/],
    [".a", /^column 1: "\." is no part/],
    ["a == 1 == 2", /^column 8: expected &&/],
    ["a == 12x", /^column 6: "1" is no part/],
    ["a == 😀", /^column 6: "😀" is no part/],
    ["process.exit()", /^column 13: expected &&/],
    [`${"(".repeat(200)}a${")".repeat(200)}`, /^column 102: it goes deeper than 100/],
    [`${"!".repeat(200_000)}a`, /^column 10001: it is longer than 10000/],
  ] as const) {
    test(where.slice(0, 40), () => assert.throws(() => parseWhere(where), { message }));
  }
});

describe("what the bytes say before they are parsed", () => {
  const may = ({ scan }: Condition, text: string) => {
    scan?.start(text);
    return scan === undefined || scan.mayHold(0, text.length);
  };

  test("is never less than what is so", () => {
    const scalar = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(
        "",
        "a",
        "b",
        "2",
        "warn",
        "ERROR",
        'q"uote',
        "ü\n",
        "\u001b[31merror",
        true,
        false,
        null,
        30,
        40,
      ),
      fc.constant(["a"]),
    );
    const key = fc.constantFrom("a", "b", "level", "x.y", "ä", "severity", "a b");
    const record = fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar)));
    const path = fc.constantFrom("a", "b", "level", "a.b", "x.y", "ä", "a.level", "['a b']", "a[0]", "severity");
    const literal = fc.constantFrom("1", "-2", "0", "'a'", "'2'", "'error'", "true", "false", "null", "'ü\n'");
    const comparison = fc.oneof(
      fc.tuple(path, fc.constantFrom("==", "!=", "<", "<=", ">", ">="), literal).map((parts) => parts.join(" ")),
      fc.tuple(literal, fc.constantFrom("==", "<"), path).map((parts) => parts.join(" ")),
      fc
        .tuple(path, fc.constantFrom("~", "!~"), fc.constantFrom("'^[ab]'", "/e/i", "'^$'"))
        .map((parts) => parts.join(" ")),
      path,
    );
    const { where } = fc.letrec<{ where: string }>((tie) => ({
      where: fc.oneof(
        { maxDepth: 3 },
        comparison,
        fc.tuple(tie("where"), fc.constantFrom("&&", "||"), tie("where")).map((parts) => `(${parts.join(" ")})`),
        tie("where").map((inner) => `!(${inner})`),
      ),
    }));
    const blanks = fc.constantFrom(undefined, 1, "\t");
    let rejected = 0;
    fc.assert(
      fc.property(record, where, blanks, (fields, text, space) => {
        const condition = parseWhere(text);
        const bytes = Buffer.from(JSON.stringify(fields, null, space))
          .toString("latin1")
          .replaceAll("\n", " ");
        const isSo = condition.holds({ ...described(fields), level: undefined });
        const mayBe = may(condition, bytes);
        if (!mayBe) rejected++;
        return mayBe || !isSo;
      }),
      { numRuns: 3000 },
    );
    assert.ok(rejected > 100, `rejected ${rejected}`);
  });

  test("a key with escapes, one behind others, and one in a text", () => {
    const condition = parseWhere("status >= 500");
    assert.equal(may(condition, '{"\\u0073tatus":500}'), true);
    assert.equal(may(condition, '{"status":5,"inner":{"status" : 501}}'), true);
    assert.equal(may(condition, '{"a":"\\"status\\":500","b":"status"}'), false);
    assert.equal(may(condition, '{"status":499}'), false);
  });

  test("it is asked of record after record", () => {
    const scan = new KeyScan(["a"], (value) => value === 1);
    const records = ['{"a":1}', '{"b":2}', '{"a":2,"c":{"a":1}}', '{"a":2}', '{"a":1}'];
    scan.start(records.join("\n"));
    let at = 0;
    const found = records.map((text) => {
      const holds = scan.mayHold(at, at + text.length);
      at += text.length + 1;
      return holds;
    });
    assert.deepEqual(found, [true, false, true, false, true]);
  });
});
