// crypto.getRandomValues and randomUUID over the run's seeded random bytes; of crypto.subtle the digest.

import { host } from "../host/host";
import { meetOutside } from "../host/outside";
import { type Bytes, bytesOf } from "./text";

const longestRequest = 65536;

export function uuid(): string {
  const bytes = host.entropy(16);
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export const crypto = {
  randomUUID(): string {
    meetOutside();
    return uuid();
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
