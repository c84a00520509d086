import type { Host, Remote } from "./lab.js";

/** A program `agent` on a host. */
export class Agent {
  readonly #remote: Remote;

  constructor(host: Host) {
    this.#remote = host.run("agent");
  }

  async do<Answer = boolean>(...step: unknown[]): Promise<Answer> {
    this.#remote.say(JSON.stringify(step));
    const line = await this.#remote.next();
    if (line === undefined) throw new Error(`the agent has ended: ${JSON.stringify(step)}`);
    return JSON.parse(line) as Answer;
  }

  end(): void {
    this.#remote.kill();
  }
}
