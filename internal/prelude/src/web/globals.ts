// Installs the web's globals. They are plain writable properties, as in browsers: a recipe may replace them for itself.

import { meetOutside } from "../host/outside";
import { AbortController, AbortSignal, DOMException } from "./abort";
import { structuredClone } from "./clone";
import { console } from "./console";
import { crypto } from "./crypto";
import { performance, VirtualDate } from "./date";
import { Comment, Document, DOMParser, Element, Node, Text } from "./dom";
import { fetch, Headers, Request, Response } from "./fetch";
import { atob, btoa, TextDecoder, TextEncoder } from "./text";
import { clearTimeout, queueMicrotask, setInterval, setTimeout } from "./timers";
import { URL, URLSearchParams } from "./url";

const globals = {
  AbortController, AbortSignal, Comment, console, crypto, Date: VirtualDate, Document, DOMException, DOMParser, Element,
  Headers, Node, Request, Response, Text, TextDecoder, TextEncoder, URL, URLSearchParams, atob, btoa,
  clearInterval: clearTimeout, clearTimeout, fetch, performance, queueMicrotask, setInterval, setTimeout, structuredClone,
  self: globalThis,
};

export function installGlobals(): void {
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  }
  const { random } = Math;
  Math.random = () => {
    meetOutside();
    return random();
  };
  // The engine knows neither; libraries call them without asking.
  const errors = Error as unknown as Record<string, unknown>;
  errors.captureStackTrace ??= () => {};
  errors.stackTraceLimit ??= 10;
}
