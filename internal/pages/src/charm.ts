// The script of a charm's page.

import { Acts } from "./charm/acts";
import { connectAccount } from "./charm/ask";
import { connect } from "./charm/connection";
import { CharmButton } from "./charm/elements/button";
import { make } from "./charm/elements/element";
import { CharmInput, CharmSendMessage, CharmTodo } from "./charm/elements/input";
import { CharmDraggable, CharmTable } from "./charm/elements/layout";
import { CharmGoogleOAuth, CharmUpdater, page, sentence, speaksOf, standingChanged } from "./charm/elements/service";
import { type Lost, type Standing, version } from "./charm/protocol";
import { Tree } from "./charm/tree";

const elements: Record<string, CustomElementConstructor> = {
  "common-button": CharmButton, "sl-button": class extends CharmButton {},
  "common-input": CharmInput, "common-todo": CharmTodo, "common-send-message": CharmSendMessage,
  "common-table": CharmTable, "common-draggable": CharmDraggable,
  "common-updater": CharmUpdater, "common-google-oauth": CharmGoogleOAuth,
};

const quiet = 300; // ms that something may take before the page speaks of it

function start(root: HTMLElement): void {
  // What the frame around it does for its own forms and fields is no affair of a charm's.
  root.addEventListener("submit", (e) => {
    e.preventDefault();
    e.stopPropagation();
  });
  root.addEventListener("input", (e) => e.stopPropagation());
  const { space, charm } = root.dataset;
  page.space = space!;
  page.charmId = charm!;
  for (const [name, el] of Object.entries(elements)) customElements.define(name, el);

  const status = document.getElementById("charm-page-status")!;
  const problems = document.getElementById("charm-page-problems")!;
  const acts = new Acts();
  let connected = false;
  let waiting = 0;
  let timer = 0;
  const say = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const acts = waiting === 0 ? "" : waiting === 1 ? "1 change is on its way." : `${waiting} changes are on their way.`;
      const text = connected ? acts : `The connection is lost; trying again. ${acts.replace("on its way", "kept").replace("on their way", "kept")}`.trim();
      if (status.textContent !== text) status.textContent = text;
      status.hidden = text === "";
    }, quiet);
  };
  acts.changed = (count) => {
    waiting = count;
    say();
  };

  const failed = (error?: string, at?: string): void => {
    if (error === undefined) return;
    const text = at ? `${error} (${at})` : error;
    for (const old of problems.children) if (old.firstChild?.textContent === text) old.remove();
    const close = make("button", { type: "button", ariaLabel: "Dismiss" }, "×");
    const item = make("p", {}, make("span", {}, text), close);
    close.addEventListener("click", () => item.remove());
    problems.append(item);
    while (problems.children.length > 3) problems.firstElementChild!.remove();
  };

  const tree = new Tree(root, acts, failed);
  connect(new URL(`/api/v1/charms/${encodeURIComponent(space!)}/${encodeURIComponent(charm!)}/live`, location.href.replace(/^http/, "ws")), {
    open(send) {
      connected = true;
      acts.connected(send);
      say();
    },
    lost() {
      connected = false;
      acts.disconnected();
      say();
    },
    told(message) {
      if (message.v !== undefined && message.v !== version) return location.reload();
      if (message.tree !== undefined) tree.show(message.tree);
      if (message.ops !== undefined) tree.apply(message.ops);
      if (message.page !== undefined) stands(message.page);
      if (message.done !== undefined || message.again !== undefined) acts.told(message);
      root.setAttribute("aria-busy", "false");
    },
  });

  function stands(standing: Standing): void {
    if (standing.title !== "") document.title = standing.title;
    const title = document.getElementById("charm-page-title");
    if (title !== null && standing.title !== "") title.textContent = standing.title;
    const notice = document.getElementById("charm-page-notice")!;
    notice.textContent = standing.removed ? "This charm was removed." : standing.cut ? "This page is too large: only a part of it is shown." : "";
    notice.hidden = notice.textContent === "";
    standingChanged(standing);
    document.getElementById("charm-page-accounts")!.replaceChildren(...(standing.lost ?? []).filter((lost) => !speaksOf(lost)).map(again));
  }

  /** Speaks of an account that no element of the charm's speaks of. */
  function again({ id, provider, words }: Lost): HTMLElement {
    const button = make("button", { type: "button" }, "Connect again");
    button.addEventListener("click", () => {
      connectAccount(provider, { connectionId: id }).catch((failure: Error) => failed(failure.message));
    });
    return make("p", {}, make("span", {}, sentence(words)), button);
  }
}

start(document.getElementById("charm")!);
