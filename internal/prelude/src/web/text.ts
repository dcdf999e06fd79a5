// TextEncoder, TextDecoder, atob and btoa over the host's codecs.

import { host } from "../host";

export type Bytes = ArrayBuffer | ArrayBufferView;

export function bytesOf(data: Bytes): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

export class TextEncoder {
  readonly encoding = "utf-8";

  encode(text: unknown = ""): Uint8Array {
    return host.encode(String(text));
  }

  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    let read = 0, written = 0;
    for (const char of text) {
      const bytes = host.encode(char);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      read += char.length;
      written += bytes.length;
    }
    return { read, written };
  }
}

export class TextDecoder {
  readonly fatal: boolean;
  readonly ignoreBOM = false;
  private held = new Uint8Array(0);

  constructor(readonly encoding = "utf-8", options: { fatal?: boolean } = {}) {
    this.encoding = String(encoding).trim().toLowerCase();
    this.fatal = options.fatal === true;
    host.utf8(this.held, this.encoding, 0);
  }

  decode(data?: Bytes, { stream = false } = {}): string {
    const given = data === undefined ? new Uint8Array(0) : bytesOf(data);
    const bytes = new Uint8Array(this.held.length + given.length);
    bytes.set(this.held);
    bytes.set(given, this.held.length);
    const whole = stream && this.encoding === "utf-8" ? wholeCharacters(bytes) : bytes.length;
    this.held = bytes.slice(whole);
    return host.utf8(bytes.subarray(0, whole), this.encoding, this.fatal ? 1 : 0);
  }
}

/** How many of the bytes belong to UTF-8 characters that are all there. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return byte >= (back === 3 ? 0xf0 : back === 2 ? 0xe0 : 0xc0) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export const atob = (text: unknown): string => host.atob(String(text));
export const btoa = (text: unknown): string => host.btoa(String(text));
