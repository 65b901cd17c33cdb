import type {
  AnyPlugin,
  Duration,
  HookName,
  Outcome,
  Permit,
  PluginHost,
  PluginInstance,
} from "@oppulence/worker-core";

/** Listens in on a plugin, or takes its place. */
export interface Tap {
  /** Called in place of a hook; `next` goes on to the hook and returns what it returns. */
  readonly hook?: (name: HookName, next: () => unknown) => unknown;
  /** A hook granted a permit. */
  readonly granted?: (permit: Permit) => void;
  /** Called in place of a permit's method; `next` goes on to it. */
  readonly permit?: (end: "commit" | "rollback", next: () => unknown) => unknown;
  /** Replaces a hook's timeout; undefined leaves it. */
  readonly timeout?: (name: HookName) => Duration | undefined;
  /** Changes what the plugin is given. */
  readonly host?: (host: PluginHost<any>) => PluginHost<any>;
}

const HOOKS = ["beforeEnqueue", "beforeRun", "afterRun", "onFailure"] as const;

type AnyCall = (input: unknown) => unknown;
interface AnyHook {
  readonly run?: AnyCall;
  readonly batch?: AnyCall;
}

/**
 * The same plugin with a tap on its hooks and permits: same name, same place in the order, same form
 * (one job or a batch), and still synchronous where it was.
 */
export function tapPlugin(plugin: AnyPlugin, tap: Tap): AnyPlugin {
  const setup = (host: PluginHost<any>) =>
    tapInstance(plugin.setup(tap.host === undefined ? host : tap.host(host)), tap);
  return Object.freeze({ ...plugin, setup });
}

function tapInstance(instance: PluginInstance<any>, tap: Tap): PluginInstance<any> {
  const tapped: Record<string, unknown> = {};
  for (const name of HOOKS) {
    const hook = instance[name] as AnyHook | undefined;
    if (hook !== undefined) tapped[name] = tapHook(name, hook, tap);
  }
  return { ...instance, ...tapped };
}

function tapHook(name: HookName, hook: AnyHook, tap: Tap): AnyHook {
  const wrap = (call: AnyCall): AnyCall => {
    return (input) => {
      const next = () => andThen(call.call(hook, input), (answer) => tapAnswer(answer, tap));
      return tap.hook === undefined ? next() : tap.hook(name, next);
    };
  };
  const timeout = tap.timeout?.(name);
  return {
    ...hook,
    ...(timeout !== undefined && { timeout }),
    ...(hook.run !== undefined && { run: wrap(hook.run) }),
    ...(hook.batch !== undefined && { batch: wrap(hook.batch) }),
  };
}

/** A decision, or the decisions of a batch. */
function tapAnswer(answer: unknown, tap: Tap): unknown {
  if (Array.isArray(answer)) return answer.map((one) => tapAnswer(one, tap));
  const permit = (answer as { permit?: Permit } | null | undefined)?.permit;
  if (permit === undefined) return answer;
  tap.granted?.(permit);
  if (tap.permit === undefined) return answer;
  return { ...(answer as object), permit: tapPermit(permit, tap.permit) };
}

type Methods = Pick<Permit, "commit" | "rollback">;
const originals = new WeakMap<Permit, Methods>();

/**
 * Taps the permit itself, so that calls count which the plugin makes behind the core's back. A frozen permit,
 * and one that is granted again and again, is left as it is and a tapped copy takes its place.
 */
function tapPermit(permit: Permit, tap: NonNullable<Tap["permit"]>): Permit {
  const known = originals.get(permit);
  const { commit, rollback } = known ?? {
    commit: permit.commit.bind(permit),
    rollback: permit.rollback.bind(permit),
  };
  const tapped: Methods = {
    commit: (outcome: Outcome) => tap("commit", () => commit(outcome)) as void,
    rollback: () => tap("rollback", rollback) as void,
  };
  if (Object.isFrozen(permit)) return tapped;
  if (known !== undefined) {
    Object.assign(permit as object, known);
    return tapped;
  }
  originals.set(permit, { commit, rollback });
  return Object.assign(permit as object, tapped) as Permit;
}

/** Applies a function to a value, now or when it is there. */
export function andThen<T>(value: unknown, body: (value: unknown) => T): T | Promise<T> {
  const isPromise = typeof (value as { then?: unknown } | null | undefined)?.then === "function";
  return isPromise ? (value as Promise<unknown>).then(body) : body(value);
}
