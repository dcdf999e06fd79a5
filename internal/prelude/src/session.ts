// What this run is about, and what recipes may know of it.

import { host, type Key, parse } from "./host";
import type { Memo } from "./rows";
import { meetOutside } from "./scheduler";
import { URL } from "./web/url";

export interface Task {
  mode: "cast" | "event" | "take" | "cells" | "write";
  charm: string; process: string; space: string; recipe: string;
  argument?: unknown; document?: string; stream?: Key[]; event?: unknown;
  memo?: Memo; stale?: string[];
}

export const session = {
  space: "",
  /** Every document that this run makes is new, so the host need not be asked for a stored one. */
  fresh: false,
  /** The recipe asked for another run at once. */
  again: false,
};

function environment(): { apiUrl: string; occasion: string } {
  meetOutside();
  return parse(host.env());
}

export const apiURL = (): string => environment().apiUrl;

/** `occasion` is equal in every retry of a run; again() asks for another run as part of what this one commits. */
export function getRecipeEnvironment(): { apiUrl: URL; occasion: string; again: () => void } {
  const { apiUrl, occasion } = environment();
  let url: URL | undefined; // made when asked for: parsing one costs as much as a small handler
  return {
    get apiUrl() { return url ??= new URL(apiUrl); },
    set apiUrl(other) { url = other; },
    occasion,
    again: () => void (session.again = true),
  };
}
