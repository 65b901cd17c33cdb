import { testPlugin } from "../../src/conformance.ts";
import { fixtures, plugin } from "./good/turnstile.ts";

testPlugin(plugin, fixtures);
