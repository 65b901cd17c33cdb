import { Logger } from "graphile-worker";

/** Writes nothing: what a terminal takes is not what is measured. */
export const silentLogger: Logger = new Logger(() => () => {});
