// Elements that place others: common-table, common-draggable. The stacks and os-container are styles alone.

import { CharmElement, make } from "./element";
import type { Value } from "../protocol";

/** A list of objects as a table; without data, what is in it, scrolled sideways where it is too wide. */
export class CharmTable extends CharmElement {
  protected readonly props: Record<string, Value> = { data: null, columns: null, label: "" };

  protected draw(): void {
    const { data, columns } = this.props;
    const rows = Array.isArray(data) ? data.filter((row) => row !== null && typeof row === "object") as Record<string, Value>[] : undefined;
    const wide = make("div", { className: "wide", tabIndex: 0 });
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", this.text("label") || "Table");
    wide.append(rows === undefined ? make("slot") : tableOf(rows, Array.isArray(columns) ? columns.map(String) : namesIn(rows), this.text("label")));
    this.shadow.replaceChildren(wide);
  }
}

function namesIn(rows: Record<string, Value>[]): string[] { return [...new Set(rows.flatMap((row) => Object.keys(row)))]; }

function tableOf(rows: Record<string, Value>[], columns: string[], label: string): HTMLElement {
  const cell = (value: Value | undefined): string => (
    value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)
  );
  const head = make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name))));
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...columns.map((name) => make("td", {}, cell(row[name]))))));
  return make("table", {}, ...(label === "" ? [] : [make("caption", {}, label)]), head, body);
}

const step = 16; // px, of an arrow key

/** Can be moved about with a pointer or the arrow keys; tells where to by "positionchange". */
export class CharmDraggable extends CharmElement {
  protected readonly props: Record<string, Value> = { x: 0, y: 0 };
  private readonly frame = make("div", { className: "moves", tabIndex: 0 }, make("slot"));

  constructor() {
    super(false);
    this.frame.setAttribute("role", "group");
    this.frame.setAttribute("aria-label", "Movable with the arrow keys");
    this.shadow.append(this.frame);
    this.frame.addEventListener("keydown", (e) => {
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[e.key];
      if (by === undefined || e.target !== this.frame) return;
      e.preventDefault();
      this.move(by[0]!, by[1]!);
      this.placed();
    });
    this.frame.addEventListener("pointerdown", (e) => {
      if ((e.composedPath()[0] as Element).closest("input, textarea, select, button, a") !== null) return;
      this.frame.setPointerCapture(e.pointerId);
      const drag = ({ movementX, movementY }: PointerEvent): void => this.move(movementX, movementY);
      this.frame.addEventListener("pointermove", drag);
      this.frame.addEventListener("lostpointercapture", () => {
        this.frame.removeEventListener("pointermove", drag);
        this.placed();
      }, { once: true });
    });
  }

  private move(x: number, y: number): void {
    this.props.x = Number(this.props.x) + x;
    this.props.y = Number(this.props.y) + y;
    this.draw();
  }

  private placed(): void { this.tell("positionchange", { x: this.props.x!, y: this.props.y! }); }

  protected draw(): void { this.frame.style.transform = `translate(${Number(this.props.x)}px, ${Number(this.props.y)}px)`; }
}
