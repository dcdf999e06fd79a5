// What people do, until it is answered. Acts are sent in order and sent again after a connection was lost, with the
// same id, so that each happens once.

import { type Act, newID, type Told, type Value } from "./protocol";

/** Told when an act is answered; `error` is why it came to nothing. */
export type Answered = (error?: string, at?: string) => void;

interface Waiting { act: Act; sent: boolean; answered: Answered }

const mostSent = 32;
const againAfter = 1000; // ms

export class Acts {
  private readonly waiting: Waiting[] = [];
  private send: ((act: Act) => void) | undefined;
  /** Called before an event is queued: what is being typed goes first. */
  beforeEvent = (): void => {};
  changed = (_waiting: number): void => {};

  event(node: string, event: string, value: Value, answered: Answered): void {
    this.beforeEvent();
    this.add({ id: newID(), node, event, value }, answered);
  }

  /** Writes a value; one for the same cell that nobody has been sent yet is replaced. */
  write(node: string, set: string, value: Value, answered: Answered): void {
    const last = this.waiting.at(-1);
    if (last !== undefined && !last.sent && last.act.node === node && last.act.set === set) {
      const before = last.answered;
      last.act.value = value;
      last.answered = (error, at) => {
        before(error, at);
        answered(error, at);
      };
      return;
    }
    this.add({ id: newID(), node, set, value }, answered);
  }

  private add(act: Act, answered: Answered): void {
    this.waiting.push({ act, sent: false, answered });
    this.changed(this.waiting.length);
    this.flush();
  }

  /** A connection is there: everything that was not answered is sent, again or for the first time. */
  connected(send: (act: Act) => void): void {
    this.send = send;
    for (const w of this.waiting) w.sent = false;
    this.flush();
  }

  disconnected(): void { this.send = undefined; }

  private flush(): void {
    if (this.send === undefined) return;
    for (const w of this.waiting.slice(0, mostSent)) {
      if (w.sent) continue;
      w.sent = true;
      this.send(w.act);
    }
  }

  told({ done, again, error, at }: Told): void {
    if (again !== undefined) {
      setTimeout(() => {
        for (const w of this.waiting) if (w.act.id === again) w.sent = false;
        this.flush();
      }, againAfter);
      return;
    }
    const i = this.waiting.findIndex(({ act }) => act.id === done);
    if (i < 0) return;
    const [w] = this.waiting.splice(i, 1);
    this.changed(this.waiting.length);
    w!.answered(error, at);
    this.flush();
  }
}
