/* Looks at every state that a small model can come into, whatever its parts do next. */

export interface Model<State> {
  readonly first: State;
  /** What may happen next, each with a name. */
  readonly next: (state: State) => readonly (readonly [name: string, state: State])[];
  /** What is wrong with a state, if anything. */
  readonly fault: (state: State) => string | undefined;
}

const MANY = 1_000_000;

interface Seen<State> {
  readonly state: State;
  readonly from: string | undefined;
  readonly by: string;
  readonly next: (readonly [by: string, to: string])[];
}

export class Explored<State> {
  readonly #seen = new Map<string, Seen<State>>();

  /** @throws {Error} with the way to the first state that has a fault */
  constructor({ first, next, fault }: Model<State>) {
    const keyOf = (state: State) => JSON.stringify(state);
    const queue = [keyOf(first)];
    this.#seen.set(queue[0]!, { state: first, from: undefined, by: "", next: [] });
    for (let i = 0; i < queue.length; i++) {
      if (i > MANY) throw new Error(`there are more than ${MANY} states`);
      const key = queue[i]!;
      const seen = this.#seen.get(key)!;
      const wrong = fault(seen.state);
      if (wrong !== undefined) throw new Error(`${wrong}: ${this.#wayTo(key)}`);
      for (const [by, state] of next(seen.state)) {
        const to = keyOf(state);
        seen.next.push([by, to]);
        if (this.#seen.has(to)) continue;
        this.#seen.set(to, { state, from: key, by, next: [] });
        queue.push(to);
      }
    }
  }

  get size(): number {
    return this.#seen.size;
  }

  /**
   * Looks whether from each state that is `asked` about, one that is a `goal` can be reached by steps that are `given`.
   * @throws {Error} with the way to one from which it cannot
   */
  mustReach(
    what: string,
    asked: (state: State) => boolean,
    goal: (state: State) => boolean,
    given: (name: string) => boolean,
  ): void {
    const before = new Map<string, string[]>();
    for (const [key, { next }] of this.#seen) {
      for (const [by, to] of next) {
        if (!given(by)) continue;
        const list = before.get(to);
        if (list === undefined) before.set(to, [key]);
        else list.push(key);
      }
    }
    const good = new Set([...this.#seen].filter(([, { state }]) => goal(state)).map(([key]) => key));
    for (const key of good) for (const from of before.get(key) ?? []) good.add(from);
    for (const [key, { state }] of this.#seen) {
      if (asked(state) && !good.has(key)) throw new Error(`${what} is out of reach: ${this.#wayTo(key)}`);
    }
  }

  #wayTo(key: string): string {
    const names: string[] = [];
    for (let seen = this.#seen.get(key)!; seen.from !== undefined; seen = this.#seen.get(seen.from)!)
      names.push(seen.by);
    return names.reverse().join(", ");
  }
}
