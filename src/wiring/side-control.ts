// A side's end of control.sock: learns from the lead what to serve from, reports every second and when asked, and ends
// with the connection: without its lead there is nobody who writes.

import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Authority } from "../journal/journal-member.ts";
import {
  frameOf,
  FrameReader,
  FRAME_BYTES_MAX,
  messageIn,
  rawFrameOf,
} from "../metadata/sqlite/write-frames.ts";
import { requireOwnFolder } from "../util/own-folder.ts";
import type { DriveAt } from "./open-drives.ts";
import {
  CONTROL_SOCKET,
  REPORT_MS,
  type FromSide,
  type SideConfirmation,
  type ToSide,
} from "./side-protocol.ts";
import type { SideOrders } from "./supervisor-protocol.ts";

export type MakeReport = () => Promise<Omit<Extract<FromSide, { kind: "report" }>, "kind">>;

/** What a side does when its lead says so. */
export interface SideDuties {
  readonly makeReport: MakeReport;
  /** Reads anew what the metadata says of the master key. */
  readonly refreshKeys: () => Promise<void>;
  readonly sealPack: () => Promise<void>;
  /** Reads anew what the metadata says of layouts, and opens drives that it has not. `places`: where they are. */
  readonly refreshDrives: (places: readonly DriveAt[]) => Promise<void>;
}

type Welcome = Extract<ToSide, { kind: "welcome" }>;

export class SideControl {
  readonly #socket: Socket;
  readonly #onLost: () => void;
  #onWelcome: (message: Welcome) => void = () => undefined;
  #duties: SideDuties | undefined;
  /** What was told of drives before there was anybody who could do anything about it. */
  #places: readonly DriveAt[] = [];
  #confirmation: SideConfirmation | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reporting: Promise<void> | undefined;
  #isClosed = false;

  /**
   * `onLost` is called when the lead is gone, and not once `close` was called.
   * @throws Error when the folder is not there, or is somebody else's.
   */
  constructor({ folder, token }: SideOrders, onLost: () => void) {
    requireOwnFolder(folder);
    this.#onLost = onLost;
    this.#socket = connect(join(folder, CONTROL_SOCKET));
    const frames = new FrameReader(FRAME_BYTES_MAX, (frame) => this.#take(frame));
    this.#socket.on("data", (chunk: Buffer) => frames.push(chunk));
    this.#socket.on("error", () => undefined);
    this.#socket.once("close", () => this.#isClosed || this.#onLost());
    this.#socket.write(rawFrameOf(token));
  }

  /** What to serve from, and what to write as. */
  welcome(): Promise<Welcome> {
    return new Promise((resolve) => {
      this.#onWelcome = resolve;
    });
  }

  /** Until when, in the machine's time, the drives are the lead's for certain; of a gateway's. */
  get confirmedUntil(): number {
    return this.#confirmation?.until ?? Number.NEGATIVE_INFINITY;
  }

  /** To whom a gateway's drives are promised, as the lead said last. */
  get authority(): Authority | undefined {
    return this.#confirmation?.authority;
  }

  /** From now on the side reports. Resolves when the first report is on its way. */
  async begin(duties: SideDuties): Promise<void> {
    this.#duties = duties;
    // What changed between the opening of this side and now was told to nobody.
    await duties.refreshKeys();
    await duties.refreshDrives(this.#places);
    await this.#report();
    // One that fails is no reason to end: the next is a second away.
    this.#timer = setInterval(() => void this.#report().catch(() => undefined), REPORT_MS);
    this.#timer.unref();
  }

  /**
   * The end of the lead is of no matter from now on. The connection itself ends with this process: its end says that
   * none of its threads can write any more.
   */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#socket.unref();
  }

  /** As by the end of this process. */
  cutOff(): void {
    this.close();
    this.#socket.destroy();
  }

  /** At most one at a time: a side that is slow does not pile them up. */
  #report(): Promise<void> {
    this.#reporting ??= this.#makeReport().finally(() => (this.#reporting = undefined));
    return this.#reporting;
  }

  async #makeReport(): Promise<void> {
    if (this.#duties === undefined) return;
    const report = await this.#duties.makeReport();
    this.#send({ kind: "report", ...report });
  }

  #take(frame: Buffer): void {
    // Written by this very version.
    const message = messageIn(frame) as ToSide;
    if (message.kind === "drives") this.#places = message.places;
    if (message.kind === "welcome") this.#onWelcome(message);
    else if (message.kind === "confirmed") this.#confirmation = message;
    else void this.#answer(message);
  }

  async #answer(message: Exclude<ToSide, { kind: "confirmed" | "welcome" }>): Promise<void> {
    const { kind, id } = message;
    // Of what was begun before the question nothing is known.
    if (kind === "ask") {
      await this.#reporting;
      await this.#report();
    } else if (kind === "keys") await this.#duties?.refreshKeys();
    else if (kind === "seal") await this.#duties?.sealPack();
    else await this.#refreshDrives(message.places);
    this.#send({ kind: "done", id });
  }

  /** One that fails is tried again by the lead, which sees in the report that it failed. */
  async #refreshDrives(places: readonly DriveAt[]): Promise<void> {
    await this.#duties?.refreshDrives(places).catch(() => undefined);
    await this.#reporting;
    await this.#report();
  }

  #send(message: FromSide): void {
    if (!this.#socket.destroyed) this.#socket.write(frameOf(message));
  }
}
