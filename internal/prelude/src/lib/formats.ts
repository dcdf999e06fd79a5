// The module charmd/formats: what services answer with beside JSON and XML. The host reads it.

import { host, parse, stringify } from "../host/host";
import { type Bytes, bytesOf } from "../web/text";

/** A text in the encoding that it, or its Content-Type, names; what is commonly wrong about that is forgiven. */
export function decodeText(data: Bytes, contentType: string | null = ""): string {
  return host.text(bytesOf(data), contentType ?? "");
}

/** The bytes of base64 or base64url. */
export function decodeBase64(text: string): Uint8Array { return host.unbase64(text); }

/** A header of mail with its encoded words read. */
export function decodeHeader(text: string): string { return host.header(text); }

export function readMultipart(data: Bytes, contentType: string | null): unknown {
  return parse(host.multipart(bytesOf(data), contentType ?? ""));
}

/** The events of a calendar that touch the time between two dates, recurring ones once for each instance. */
export function readCalendar(text: string, from: Date, to: Date, zone = ""): unknown {
  return parse(host.calendar(text, stringify({ from, to, zone })));
}
