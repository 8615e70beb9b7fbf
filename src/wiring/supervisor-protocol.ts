// What a supervisor and its worker say to each other over the channel between the two processes.

/** Roles that run as a supervisor and a worker. A data node has nothing that would block its only thread. */
export type SupervisedRole = "gateway" | "server";

/** In the environment of a worker, and of nobody else: its orders, as JSON. No setting, so it has another prefix. */
export const ORDERS_VARIABLE = "_KINTSUGI_ORDERS";

/** What a worker is told beside the command line of its supervisor. */
export interface WorkerOrders {
  /** Folders that did not answer: they are treated as away and never touched. */
  readonly avoidDrives: readonly string[];
  /** Workers that were killed and may not be gone: the kernel ends none whose file call it has not answered. */
  readonly replacedPids: readonly number[];
  /** Why another worker was given up, for the log. */
  readonly reason: string | undefined;
  /** Of a worker that serves beside the first one (side-pool.ts); absent for the first. */
  readonly side?: SideOrders;
}

/** How a worker that serves beside the first one, the lead, finds it. */
export interface SideOrders {
  /** From 1 on. */
  readonly number: number;
  /** Holds the lead's sockets. */
  readonly folder: string;
  /** Proves to the lead that its own supervisor has started this process. */
  readonly token: string;
}

/** What the lead wants beside itself. */
export interface SidePlan {
  readonly count: number;
  readonly folder: string;
  readonly token: string;
}

export type ToWorker =
  | { readonly kind: "socket"; readonly id: number; readonly answer: SocketAnswer }
  | { readonly kind: "stop"; readonly signal: string }
  /** A client's connection comes with it; answered by "taken". */
  | { readonly kind: "connection"; readonly id: number }
  /** All connections up to this one were sent before; answered by "passed". */
  | { readonly kind: "ask"; readonly id: number }
  /** So many of its connections are to end with their next answer: others have room for them. */
  | { readonly kind: "shed"; readonly count: number }
  /** A folder that is avoided answers again. */
  | { readonly kind: "answers"; readonly path: string };

/** `bound` comes with the socket itself. */
export type SocketAnswer =
  | { readonly kind: "bound" }
  /** Comes with the socket too, but the supervisor accepts, and deals connections out. */
  | { readonly kind: "dealt" }
  /** The supervisor cannot hold it: the worker opens its own. */
  | { readonly kind: "own" }
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly syscall: string;
      readonly address: string;
      readonly port: number;
    };

export type FromWorker =
  /** Sent every second, as long as the worker's thread turns. */
  | { readonly kind: "beat"; readonly writeWaitMs: number; readonly openCount: number }
  | {
      readonly kind: "bind";
      readonly id: number;
      readonly host: string;
      readonly port: number;
      /** Whether several workers are to serve what connects to it. */
      readonly isShared: boolean;
    }
  /** A connection that was dealt is this process's now; with it so many are open. */
  | { readonly kind: "taken"; readonly id: number; readonly openCount: number }
  /** What came of the connections up to this one was said before. */
  | { readonly kind: "passed"; readonly id: number }
  /** The folders that it uses, said before it touches what may block it. */
  | { readonly kind: "folders"; readonly drives: readonly string[] }
  /** The folder of the metadata's drive, said before it is opened. */
  | { readonly kind: "metadata"; readonly drive: string }
  /** It answers requests: connections may be dealt to it. "ready" follows once all else is open. */
  | { readonly kind: "serving" }
  /** `sides`: of the lead, where others are to serve beside it. */
  | { readonly kind: "ready"; readonly sides?: SidePlan }
  /** It is about to exit, and no other worker is to follow. */
  | { readonly kind: "ended"; readonly code: number };

/** How often a worker says that it lives. */
export const BEAT_MS = 1_000;
