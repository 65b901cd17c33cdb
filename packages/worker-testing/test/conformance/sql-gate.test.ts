import { testPlugin } from "../../src/conformance.ts";
import { fixtures, plugin } from "./good/sql-gate.ts";

testPlugin(plugin, fixtures);
