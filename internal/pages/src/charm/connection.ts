// One connection to the service, made again whenever it is lost.

import type { Act, Told } from "./protocol";

const firstWait = 200; // ms
const longestWait = 5000;

export interface Listener {
  /** Everything is told anew over this connection. */
  open(send: (act: Act) => void): void;
  lost(): void;
  told(message: Told): void;
}

export function connect(address: URL, listener: Listener): void {
  let wait = firstWait;
  const open = (): void => {
    const socket = new WebSocket(address);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      wait = firstWait;
      listener.open((act) => socket.send(JSON.stringify(act)));
    };
    socket.onmessage = ({ data }) => listener.told(JSON.parse(data as string) as Told);
    socket.onclose = () => {
      listener.lost();
      if (!opened) void signedOut();
      setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, longestWait);
    };
  };
  open();
}

/** A browser that is not signed in any more is shown how to. */
async function signedOut(): Promise<void> {
  const page = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (page?.status === 401) location.reload();
}
