export { startWithin } from "./plugin.ts";
