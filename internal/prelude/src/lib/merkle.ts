// The module merkle-reference: references of JSON values, which the host computes.

import { host, isObject, stringify } from "../host/host";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

class Reference {
  constructor(private readonly text: string, readonly link: string) {}

  get "/"(): string { return this.link; }
  toString(): string { return this.text; }
  toJSON(): { "/": string } { return { "/": this.link }; }
}

export function refer(value: unknown): Reference {
  const json = stringify(value ?? null);
  return new Reference(host.refer(json, "string"), host.refer(json, "link"));
}

export function is(value: unknown): boolean { return value instanceof Reference; }

export function fromString(text: string): Reference {
  return new Reference(text, "b" + encode([1, ...decode(text.slice(1))]));
}

export function fromJSON(json: { "/": string }): Reference {
  if (!isObject(json) || typeof json["/"] !== "string") throw new ReferenceError(`Invalid reference ${stringify(json)}`);
  return new Reference("b" + encode(decode(json["/"].slice(1)).slice(1)), json["/"]);
}

function encode(bytes: number[]): string {
  let text = "", bits = 0, held = 0;
  for (const byte of bytes) {
    held = held << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[held >> bits - 5 & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[held << 5 - bits & 31] : text;
}

function decode(text: string): number[] {
  const bytes: number[] = [];
  let bits = 0, held = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) throw new ReferenceError(`Invalid reference ${text}`);
    held = held << 5 | value;
    if ((bits += 5) >= 8) bytes.push(held >> (bits -= 8) & 255);
    held &= (1 << bits) - 1;
  }
  return bytes;
}
