// TextEncoder, TextDecoder, atob and btoa over the host's codecs.

import { host } from "../host/host";

export type Bytes = ArrayBuffer | ArrayBufferView;

export function bytesOf(data: Bytes): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

export class TextEncoder {
  readonly encoding = "utf-8";

  encode(text: unknown = ""): Uint8Array { return host.encode(String(text)); }
}

export class TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;

  constructor(label: unknown = "utf-8", options: { fatal?: boolean } = {}) {
    this.encoding = String(label).trim().toLowerCase();
    this.fatal = options.fatal === true;
    // An unknown label is refused here, not when something is decoded.
    host.utf8(new Uint8Array(0), this.encoding, 0);
  }

  /** Bytes are decoded as a whole: bodies come in one piece here, so there is no streaming. */
  decode(data?: Bytes): string {
    return data === undefined ? "" : host.utf8(bytesOf(data), this.encoding, this.fatal ? 1 : 0);
  }
}

export const atob = (text: unknown): string => host.atob(String(text));
export const btoa = (text: unknown): string => host.btoa(String(text));
