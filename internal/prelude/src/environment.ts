// getRecipeEnvironment(): what a recipe may know about where it runs.

import { host, parse } from "./host";
import { session } from "./session";
import { URL } from "./web/url";

function environment(): { apiUrl: string; occasion: string } {
  return parse(host.env());
}

export function apiURL(): string {
  return environment().apiUrl;
}

export function getRecipeEnvironment(): { apiUrl: URL; occasion: string; again: () => void } {
  const { apiUrl, occasion } = environment();
  return {
    apiUrl: new URL(apiUrl),
    /** Equal in every retry of this run: an idempotency key for servers that take one. */
    occasion,
    /** Asks for another run at once, as part of what this run commits. */
    again: () => void (session.again = true),
  };
}
