// What this run is about, and what recipes may know of it.

import { environment } from "../host/outside";
import { URL } from "../web/url";

export const session = {
  space: "",
  /** Every document that this run makes is new, so the host need not be asked for a stored one. */
  fresh: false,
  /** The recipe asked for another run at once. */
  again: false,
};

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
