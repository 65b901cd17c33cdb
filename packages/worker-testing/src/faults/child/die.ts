/** Ends this process as the kernel's out-of-memory killer would: nothing runs after this. */
export function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal takes the process before this call returns; should that ever not be so, nothing may go on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const LOOK_EVERY_MS = 500;

/**
 * Sees to it that this process ends when its parent does, however that went: the channel to the parent
 * closes, or another process becomes its parent.
 */
export function dieWithParent(): void {
  const parent = process.ppid;
  process.on("disconnect", die);
  setInterval(() => {
    if (process.ppid !== parent) die();
  }, LOOK_EVERY_MS).unref();
}
