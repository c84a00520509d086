import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import * as v from "valibot";
import type { LogFileError } from "../../../src/base/errors.js";
import { assertInstalled } from "../../../src/nats/packages.js";
import { describeServers, resolveServers, serverRows } from "../../../src/nats/server-options.js";
import { parse } from "../../../src/options/validation.js";

const schema = v.strictObject(serverRows);
const resolved = (options: object, environment = {}) => resolveServers(parse(schema, options), environment);

function refusal(options: object): LogFileError {
  try {
    resolved(options);
  } catch (error) {
    return error as LogFileError;
  }
  throw new Error(`taken: ${inspect(options)}`);
}

describe("servers", () => {
  test("are one, several, or a text with commas, with a scheme or without", () => {
    const all = ["a:4221", "b:4222", "[::1]:4222"];
    assert.deepEqual(resolved({ servers: "nats://a:4221,b,[::1]" }).servers, all);
    assert.deepEqual(resolved({ servers: ["NATS://A:4221/", "nats://b", "[::1]:4222"] }).servers, all);
    assert.equal(describeServers(resolved({ servers: ["nats://a", "b:1"] })), "nats://a:4222,b:1");
    assert.equal(describeServers(resolved({ servers: "tls://a" })), "tls://a:4222");
  });

  test("that are none are refused", () => {
    for (const servers of [undefined, "", [], [1], "http://a", "ws://a", "a b", "nats://a:x", "nats://a/b", "a,"])
      assert.match(
        refusal({ servers }).message,
        /^Expected the option `servers` to be one or more URLs/,
        inspect(servers),
      );
  });

  test("with a password are refused, and it is not shown", () => {
    for (const servers of ["nats://me:secret@a", ["a", "nats://secret@b"], "a,me:secret@b"]) {
      const error = refusal({ servers });
      assert.match(error.message, /give `credentials`, `nkey`, `tokenFile`, or `user` and `passwordFile`/);
      assert.doesNotMatch(inspect(error), /secret/);
    }
  });
});

describe("who asks", () => {
  test("is told by paths, which are made absolute", () => {
    assert.equal(resolved({ servers: "a", credentials: "x.creds" }).credentials, resolve("x.creds"));
    assert.equal(resolved({ servers: "a", nkey: "x.nk" }).nkey, resolve("x.nk"));
    const { user, passwordFile } = resolved({ servers: "a", user: "me", passwordFile: "pw" });
    assert.deepEqual([user, passwordFile], ["me", resolve("pw")]);
    assert.equal(resolved({ servers: "a", tokenFile: "t" }, { NATS_CREDS: "e" }).tokenFile, resolve("t"));
  });

  test("is NATS_CREDS where nothing else is said", () => {
    assert.equal(resolved({ servers: "a" }, { NATS_CREDS: "e.creds" }).credentials, resolve("e.creds"));
    assert.equal(
      resolved({ servers: "a", credentials: "x.creds" }, { NATS_CREDS: "e" }).credentials,
      resolve("x.creds"),
    );
    assert.equal(resolved({ servers: "a", nkey: "x.nk" }, { NATS_CREDS: "e" }).credentials, undefined);
    assert.equal(resolved({ servers: "a" }, { NATS_CREDS: "" }).credentials, undefined);
  });

  const refused: [why: string, options: object, option: string, message: RegExp][] = [
    ["two ways at once", { credentials: "a", nkey: "b" }, "nkey", /since `credentials` is given/],
    ["a token and a user", { tokenFile: "a", user: "b", passwordFile: "c" }, "tokenFile", /since `user` is given/],
    ["a user without a password", { user: "a" }, "passwordFile", /belong together/],
    ["a password without a user", { passwordFile: "a" }, "user", /belong together/],
    ["an empty path", { credentials: "" }, "credentials", /the path of a file, got ''/],
    ["a certificate without a key", { tls: { cert: "a" } }, "tls", /both `cert` and `key`/],
    ["TLS that is no choice", { tls: "yes" }, "tls", /true, false, or an object with paths/],
    ["TLS off for a server that is to have it", { servers: "tls://a", tls: false }, "tls", /given as "tls:\/\/"/],
    [
      "an unknown part of TLS",
      { tls: { caFile: "a" } },
      "caFile",
      /Unknown option `caFile`. The options are: ca, cert, key/,
    ],
    ["an unknown option", { credential: "a" }, "credential", /Did you mean `credentials`\?/],
  ];
  for (const [why, options, option, message] of refused)
    test(`is refused with ${why}`, () => {
      const error = refusal({ servers: "a", ...options });
      assert.deepEqual([error.code, error.option], ["ERR_CLH_OPTION", option]);
      assert.match(error.message, message);
    });
});

test("TLS is asked for by the option or by a URL", () => {
  assert.equal(resolved({ servers: "a" }).tls, undefined);
  assert.equal(resolved({ servers: "a", tls: false }).tls, undefined);
  assert.deepEqual(resolved({ servers: "a", tls: true }).tls, {});
  assert.deepEqual(resolved({ servers: "tls://a" }).tls, {});
  assert.deepEqual(resolved({ servers: "tls://a", tls: { ca: "x.pem" } }).tls, { ca: resolve("x.pem") });
});

test("packages that are not there are named, with the line that installs them", () => {
  const none = () => {
    throw new Error("Cannot find module");
  };
  assert.throws(() => assertInstalled({ resolve: none as never }, "@nats-io/jetstream"), {
    code: "ERR_CLH_OPTION",
    message:
      "Records cannot go to NATS: the package @nats-io/jetstream cannot be found. Install it: npm install @nats-io/transport-node @nats-io/jetstream",
  });
});
