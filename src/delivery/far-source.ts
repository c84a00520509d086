import type { Source } from "../source.js";
import type { Counts } from "../stats.js";
import type { Delivery, DeliveryOptions } from "./delivery.js";
import { Drain } from "./drain.js";
import type { Spill } from "./spill.js";

/** The delivery of a handler whose records come from another thread: nobody calls its `write`. */
export class SourceDelivery implements Delivery {
  readonly #drain: Drain;
  readonly needsDrain = false;

  constructor(options: DeliveryOptions, { queue, attach, onProgress }: Source) {
    this.#drain = new Drain(options, queue, { onProgress, onLost: options.onDrop });
    attach(this.#drain);
  }

  get pending(): number {
    return this.#drain.pending;
  }

  get counts(): Counts | undefined {
    return undefined;
  }

  push(): boolean {
    throw new Error("records come from the ring");
  }

  reserve(): undefined {}

  filled(): boolean {
    return this.push();
  }

  keep(): void {
    this.push();
  }

  adopt(spill: Spill): boolean {
    return this.#drain.adopt(spill);
  }

  async written(): Promise<void> {}

  async flush(): Promise<void> {}

  flushSync(): boolean {
    return this.#drain.run();
  }

  close(): void {}

  async swept(): Promise<void> {}
}
