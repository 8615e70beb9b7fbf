// Has workers beside this one learn which drives there are, and where, and what the layout is.

import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { Engines } from "./serve-store.ts";
import type { SideDoor } from "./side-door.ts";
import { pathsOf } from "./side-drives.ts";

export function makeDriveTeller(
  { clusterNodes, localDrives }: Pick<Engines, "clusterNodes" | "localDrives">,
  store: Pick<OpenObjectStore, "notePlaces">,
  door: SideDoor | undefined,
): () => Promise<void> {
  const drives = localDrives ?? clusterNodes;
  if (drives === undefined || door === undefined) return () => Promise.resolve();
  const note = (): void => store.notePlaces(pathsOf(drives.places));
  // What each of them says of itself is compared with it.
  note();
  return async () => {
    note();
    await door.refreshDrives(drives.places);
    await door.refresh();
  };
}
