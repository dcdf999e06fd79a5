// What a page asks of the service beside its connection: a request, and the flow that connects an account.

export async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await reply.json().catch(() => ({})) as Record<string, unknown>;
  if (reply.ok && answer.success !== false) return answer;
  const { error } = answer;
  const message = typeof error === "string" ? error : (error as { message?: string } | undefined)?.message;
  throw new Error(message ?? `the service answered ${reply.status}`);
}

/** Opens the provider's page and waits until it is closed or tells how it went. To be called where somebody clicks. */
export async function connectAccount(provider: string, what: object): Promise<void> {
  // At once, since browsers open no window a while after a click.
  const popup = window.open("", "oauth", "popup,width=520,height=680");
  if (popup === null) throw new Error("the browser did not open the provider's page: allow this site to open windows");
  try {
    const { url } = await post(`/api/integrations/${encodeURIComponent(provider)}-oauth/login`, what);
    popup.location.replace(String(url));
    popup.focus(); // one that was left open is behind this page
  } catch (failure) {
    popup.close();
    throw failure;
  }
  await new Promise<void>((done, fail) => {
    const closed = setInterval(() => { if (popup.closed) end(done); }, 500);
    const told = ({ origin, source, data }: MessageEvent): void => {
      if (origin !== location.origin || source !== popup || data?.type !== "oauth-callback") return;
      end(() => data.result?.success === true ? done() : fail(new Error(String(data.result?.error ?? "it was not connected"))));
    };
    const end = (then: () => void): void => {
      clearInterval(closed);
      removeEventListener("message", told);
      then();
    };
    addEventListener("message", told);
  });
}
