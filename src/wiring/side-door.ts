// The lead's door for the workers beside it: tells each what it serves from, hears how it is doing, and passes on what
// changes in memory. A side whose connection has closed is gone, with all its threads, for the kernel closes it last: only
// then is its incarnation ended.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { join } from "node:path";
import { frameOf, FrameReader, messageIn } from "../metadata/sqlite/write-frames.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { SideReport } from "../store/side-workers.ts";
import type { Logger } from "../telemetry/logger.ts";
import { countsNow, sumOfCounts, type CountsView } from "../telemetry/summed-counts.ts";
import { KeptSocket } from "../util/kept-socket.ts";
import type { CloseStack } from "./close-stack.ts";
import type { DriveAt } from "./open-drives.ts";
import { GRACE_MS } from "./s3-face.ts";
import {
  CONTROL_SOCKET,
  type FromSide,
  type SideConfirmation,
  type SideFigures,
  type SideQuestion,
  type SideWelcome,
  type ToSide,
} from "./side-protocol.ts";
import type { SidePlan } from "./supervisor-protocol.ts";

const TOKEN_BYTES_MAX = 1_024;
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** Who has not said the token by then is sent away. */
const TOKEN_MS_MAX = 5_000;
/** How long whoever asks for the sides' figures waits for one that is busy; then what it said last counts. */
const ASK_MS_MAX = 1_000;
/** How long a change in memory waits for a side to have heard of it: then it hangs, and will be replaced. */
const TELL_MS_MAX = 15_000;
/** How often sides are told that the drives are still the lead's. */
const CONFIRM_EVERY_MS = 500;
/** How long the lead waits, once its own requests are over, for sides that stop: longer than their requests may take. */
const LEAVE_MS_MAX = GRACE_MS + 1_500;

type SideStore = Pick<OpenObjectStore, "beginSide" | "endSide" | "noteSide">;

export interface SideDoorParts {
  readonly plan: SidePlan;
  readonly welcome: SideWelcome;
  readonly store: SideStore;
  /** Where the drives could be taken over: to whom they are promised, and until when that is certain. */
  readonly confirmation?: (() => SideConfirmation) | undefined;
  readonly logger: Logger;
}

/** Open when it resolves. What it opens is put on the close stack. */
export async function openSideDoor(
  parts: SideDoorParts,
  closeStack: CloseStack,
): Promise<SideDoor> {
  const door = new SideDoor(parts);
  await door.listen();
  const isTold = parts.confirmation !== undefined;
  const timer = isTold ? setInterval(() => door.confirm(), CONFIRM_EVERY_MS) : undefined;
  closeStack.add(async () => {
    await door.close();
    clearInterval(timer);
  });
  return door;
}

export class SideDoor {
  readonly plan: SidePlan;
  readonly #parts: SideDoorParts;
  readonly #token: Buffer;
  readonly #socket: KeptSocket;
  readonly #sides = new Set<Side>();
  /** Resolve when a connection is gone, and its incarnation is ended. */
  readonly #leaving = new Set<Promise<void>>();
  /** Counts of sides that are gone: what is counted never goes down. */
  #pastCounts: CountsView = { openCount: 0, operations: new Map() };
  #pastCpuSeconds = 0;
  #lastNumber = 0;
  #isCutting = false;
  /** Drives that are there, where any have come or gone since the start. */
  #places: readonly DriveAt[] | undefined;

  constructor(parts: SideDoorParts) {
    this.#parts = parts;
    this.plan = parts.plan;
    this.#token = digest(parts.plan.token);
    const path = join(parts.plan.folder, CONTROL_SOCKET);
    this.#socket = new KeptSocket(path, (socket) => this.#welcome(socket));
  }

  /** @throws when there can be no socket in the folder. */
  listen(): Promise<void> {
    return this.#socket.open();
  }

  /** How many serve beside the lead now. */
  get count(): number {
    return this.#sides.size;
  }

  /** What the sides say of themselves. */
  get figures(): readonly SideFigures[] {
    return [...this.#sides].flatMap(({ figures }) => figures ?? []);
  }

  /** Requests that were counted by sides, those that are gone included. */
  get counts(): CountsView {
    return sumOfCounts([this.#pastCounts, ...this.figures.map(({ counts }) => counts)]);
  }

  /** Requests that sides answered when they said so last. */
  get openCount(): number {
    return this.figures.reduce((sum, { counts }) => sum + counts.openCount, 0);
  }

  /** Processor time of sides that are gone. */
  get pastCpuSeconds(): number {
    return this.#pastCpuSeconds;
  }

  /** Resolves when each side has said how it is doing now, or is too busy to. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#sides].map((side) => side.ask("ask", ASK_MS_MAX)));
  }

  /** Resolves when every side knows what the metadata says of the master key. */
  async refreshKeys(): Promise<void> {
    await Promise.all([...this.#sides].map((side) => side.ask("keys", TELL_MS_MAX)));
  }

  /**
   * Has each side learn what the metadata says of layouts, and open drives that have come: these are there now. Resolves
   * when they have, or have had their time: what they report says which.
   */
  async refreshDrives(places: readonly DriveAt[]): Promise<void> {
    this.#places = places;
    await Promise.all([...this.#sides].map((side) => side.askDrives(places, TELL_MS_MAX)));
  }

  /** Resolves when the packs are sealed that sides had open. */
  async sealPacks(): Promise<void> {
    await Promise.all([...this.#sides].map((side) => side.ask("seal", TELL_MS_MAX)));
  }

  /** Has sides know for how long they may answer. */
  confirm(): void {
    const confirmation = this.#parts.confirmation?.();
    if (confirmation === undefined) return;
    for (const side of this.#sides) side.send({ kind: "confirmed", ...confirmation });
  }

  /** Resolves when all sides are gone, or have had their time. */
  async close(): Promise<void> {
    this.#socket.close();
    const timer = setTimeout(() => {
      this.#parts.logger.warn({}, "workers that had not stopped in time are cut off");
      // They may be alive, and answer for a while: for the next start they have not ended.
      this.#isCutting = true;
      this.#sides.forEach((side) => side.cutOff());
    }, LEAVE_MS_MAX);
    await Promise.all(this.#leaving);
    clearTimeout(timer);
  }

  #welcome(socket: Socket): void {
    const { store } = this.#parts;
    this.#lastNumber += 1;
    const name = `side ${this.#lastNumber}`;
    const side: Side = new Side(socket, {
      isToken: (said) => timingSafeEqual(digest(said), this.#token),
      onKnown: () => void this.#begin(side, name),
      onReport: (report) => store.noteSide(name, report),
    });
    const leaving = this.#leave(side, name);
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }

  async #leave(side: Side, name: string): Promise<void> {
    await side.gone;
    if (!this.#sides.delete(side)) return;
    this.#keepCounts(side);
    if (!this.#isCutting) await this.#parts.store.endSide(name);
  }

  /** Before it is told anything the store knows of it: nothing is removed under what it reads. */
  async #begin(side: Side, name: string): Promise<void> {
    const { store, logger, welcome } = this.#parts;
    this.#sides.add(side);
    try {
      const incarnation = await store.beginSide(name);
      const places = this.#places ?? welcome.places;
      side.send({ kind: "welcome", welcome: { ...welcome, places }, incarnation });
      this.confirm();
    } catch (error) {
      logger.warn({ err: error }, "a worker cannot begin now; another will try");
      side.cutOff();
    }
  }

  #keepCounts({ figures }: Side): void {
    if (figures === undefined) return;
    this.#pastCpuSeconds += figures.process.cpuSeconds;
    const past = sumOfCounts([this.#pastCounts, countsNow(figures.counts)]);
    this.#pastCounts = { ...past, openCount: 0 };
  }
}

interface SideEvents {
  readonly isToken: (said: Buffer) => boolean;
  readonly onKnown: () => void;
  readonly onReport: (report: SideReport) => void;
}

/** A worker that is connected, or somebody who wants to be. */
class Side {
  /** Resolves when the connection has closed. */
  readonly gone: Promise<void>;
  figures: SideFigures | undefined;
  readonly #socket: Socket;
  readonly #events: SideEvents;
  readonly #asked = new Map<number, () => void>();
  #lastId = 0;
  #isKnown = false;

  constructor(socket: Socket, events: SideEvents) {
    this.#socket = socket;
    this.#events = events;
    const frames = new FrameReader(TOKEN_BYTES_MAX, (frame) => {
      this.#take(frame);
      frames.maxBytes = FRAME_BYTES_MAX;
    });
    const timer = setTimeout(() => this.#isKnown || socket.destroy(), TOKEN_MS_MAX);
    socket.on("data", (chunk: Buffer) => {
      try {
        if (!socket.destroyed) frames.push(chunk);
      } catch {
        socket.destroy();
      }
    });
    // What follows is the closing of the socket.
    socket.on("error", () => undefined);
    this.gone = new Promise((resolve) => {
      socket.once("close", () => {
        clearTimeout(timer);
        for (const done of this.#asked.values()) done();
        resolve();
      });
    });
  }

  send(message: ToSide): void {
    if (!this.#socket.destroyed) this.#socket.write(frameOf(message));
  }

  /** As `ask`. */
  askDrives(places: readonly DriveAt[], timeoutMs: number): Promise<void> {
    return this.#ask((id) => ({ kind: "drives", id, places }), timeoutMs);
  }

  /** Resolves when it has answered, is gone, or has had its time. */
  ask(kind: SideQuestion, timeoutMs: number): Promise<void> {
    return this.#ask((id) => ({ kind, id }), timeoutMs);
  }

  #ask(messageOf: (id: number) => ToSide, timeoutMs: number): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#asked.set(id, done);
      if (this.#socket.destroyed) done();
      else this.send(messageOf(id));
    });
  }

  cutOff(): void {
    this.#socket.destroy();
  }

  /** @throws when it is not one of ours. */
  #take(frame: Buffer): void {
    if (!this.#isKnown) {
      if (!this.#events.isToken(frame)) throw new Error("that is not the token");
      this.#isKnown = true;
      this.#events.onKnown();
      return;
    }
    // Written by this very version.
    const message = messageIn(frame) as FromSide;
    if (message.kind === "done") this.#asked.get(message.id)?.();
    else {
      this.figures = message.figures;
      this.#events.onReport(message.report);
    }
  }
}

/** Of one length, whatever was said. */
function digest(text: string | Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}
