import { runChild } from "./faults/child/run-child.ts";

// The program of processes that spawnWorker and killAt start; nothing for anyone to import.
await runChild();
