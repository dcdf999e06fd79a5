// crypto.getRandomValues and randomUUID over the run's seeded random bytes; of crypto.subtle the digest.

import { host } from "../host/host";
import { meetOutside } from "../host/outside";
import { type Bytes, bytesOf } from "./text";

const longestRequest = 65536;

export const crypto = {
  randomUUID(): string {
    meetOutside();
    return host.uuid();
  },
  getRandomValues<T extends ArrayBufferView>(view: T): T {
    if (view.byteLength > longestRequest) {
      throw new RangeError(`getRandomValues gives at most ${longestRequest} bytes, not ${view.byteLength}`);
    }
    meetOutside();
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(host.entropy(view.byteLength));
    return view;
  },
  subtle: {
    async digest(algorithm: string | { name: string }, data: Bytes): Promise<ArrayBufferLike> {
      return host.digest(typeof algorithm === "string" ? algorithm : algorithm.name, bytesOf(data)).slice().buffer;
    },
  },
};
