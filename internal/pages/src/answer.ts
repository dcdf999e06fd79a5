/**
 * The window in which an account was connected: it tells the page that opened it, if
 * that is of this origin, what came of it, and closes when there is nothing to read.
 */
const answer = document.getElementById("answer")!;
const result = JSON.parse(answer.dataset.result!);

/** Milliseconds in which the page that opened the window takes what it is told. */
const closing = 2000;

if (window.opener) window.opener.postMessage({ type: "oauth-callback", result }, location.origin);
if (answer.dataset.closes !== undefined) setTimeout(() => window.close(), closing);
