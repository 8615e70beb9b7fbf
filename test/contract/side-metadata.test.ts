// The contract of MetadataStore, of a process that sends its writes to the writer of another over a socket.

import { openSideMetadata } from "../../src/metadata/sqlite/open-side-metadata.ts";
import { realClock } from "../../src/util/clock.ts";
import { openWriterDoor, TOKEN } from "../support/writer-door.ts";
import { metadataStoreSuite } from "./metadata-store.ts";

metadataStoreSuite("sqlite, beside the process with the writer", async () => {
  const door = await openWriterDoor();
  const { databasePath, socketPath } = door;
  const store = await openSideMetadata({
    databasePath,
    socketPath,
    token: TOKEN,
    clock: realClock,
  });
  const dispose = async () => {
    await store.close();
    await door.dispose();
  };
  return { store, dispose };
});
