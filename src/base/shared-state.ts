/* A process may load this package several times: by import and by require, in two versions, or anew for each test. */

const PREFIX = "concurrent-log-handler";

const REGISTRY = Symbol.for(`${PREFIX}/state`);
const realm = globalThis as { [REGISTRY]?: Map<string, unknown> };
// Not as properties, which Jest takes from objects at the end of a test file, and at the exit of the process they are needed.
realm[REGISTRY] ??= new Map();
const states = realm[REGISTRY];

/**
 * State that all copies of this package in one realm have in common.
 * @param version to be raised when the shape changes, so that copies of different versions do not meet in it
 */
export function sharedState<State>(name: string, version: number, make: () => State): State {
  const key = `${name}/${version}`;
  if (!states.has(key)) states.set(key, make());
  return states.get(key) as State;
}

/** Lets `instanceof` recognise what another copy of this package has made of its class of the same name. */
export function shareClass(type: abstract new (...given: never[]) => object, name: string): void {
  const mark = Symbol.for(`${PREFIX}/class ${name}`);
  const isDerived = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(type.prototype, mark, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    // A subclass inherits this, and is somebody's own.
    value(this: unknown, value: unknown): boolean {
      if (this !== type) return isDerived.call(this as () => unknown, value);
      return typeof value === "object" && value !== null && mark in value;
    },
  });
}

/** Realms that Node's own code does not reach, such as those of `node:vm`, may lack it. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
