export { childConfig as config } from "./conformance/child-plugin.ts";
