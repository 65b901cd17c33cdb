import { testPlugin } from "../../src/conformance.ts";
import { fixtures, plugin } from "./good/bouncer.ts";

testPlugin(plugin, fixtures);
