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
    socket.onopen = () => {
      wait = firstWait;
      listener.open((act) => socket.send(JSON.stringify(act)));
    };
    socket.onmessage = ({ data }) => listener.told(JSON.parse(data as string) as Told);
    socket.onclose = () => {
      listener.lost();
      setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, longestWait);
    };
  };
  open();
}
