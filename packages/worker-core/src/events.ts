import { EventEmitter } from "node:events";
import type { HookName } from "./contract/hooks.ts";
import type { EnqueueResult, Job, JobSpec } from "./contract/job.ts";
import type { Reason } from "./contract/reason.ts";
import { isPromise } from "./pipeline/hook.ts";

/** The core's events and what their listeners are given. Features add theirs by declaration merging. */
export interface EventMap {
  /** A job was added by this process. */
  "job:added": { readonly spec: JobSpec; readonly id: string };
  /** A plugin kept a job out of the queue. */
  "job:dropped": {
    readonly spec: JobSpec;
    readonly result: Extract<EnqueueResult, { status: "dropped" }>;
  };
  /** A plugin refused a job; its producer got an error. */
  "job:rejected": { readonly spec: JobSpec; readonly reason: Reason };
  /** A job was claimed: its hooks are asked next, and may still defer, skip or fail it. */
  "job:started": { readonly job: Job };
  /** A job's task returned. */
  "job:succeeded": { readonly job: Job; readonly durationMs: number };
  /** An attempt failed and another will follow. */
  "job:failed": { readonly job: Job; readonly error: unknown; readonly durationMs: number };
  /** A job failed for good; `taken` when a plugin moved its row away. */
  "job:exhausted": {
    readonly job: Job;
    readonly error: unknown;
    readonly taken: boolean;
    readonly durationMs: number;
  };
  /** A job went back to the queue at no cost. */
  "job:deferred": { readonly job: Job; readonly reason: Reason; readonly until: Date };
  /** A job completed without running. */
  "job:skipped": { readonly job: Job; readonly reason: Reason };
  /** A stop's bound passed: the job went back to the queue while its task still ran. */
  "job:interrupted": { readonly job: Job };
  /** A plugin's hook threw or timed out. */
  "plugin:error": {
    readonly plugin: string;
    readonly hook: HookName | "permit" | "around";
    readonly error: unknown;
  };
  /** The engine's pool ended by itself and a new one took its place. */
  "engine:restarted": { readonly cause: unknown; readonly returned: number };
  "worker:started": { readonly worker: string };
  "worker:stopped": { readonly worker: string };
}

/** Events of one worker or client. Listeners run synchronously and are isolated: an error is logged, a rejection too. */
export interface Events {
  on<K extends keyof EventMap>(name: K, listener: (event: EventMap[K]) => void): () => void;
  once<K extends keyof EventMap>(name: K, listener: (event: EventMap[K]) => void): () => void;
  emit<K extends keyof EventMap>(name: K, event: EventMap[K]): void;
  /** Whether anybody listens; for hot paths that would build the event for nobody. */
  has(name: keyof EventMap): boolean;
  /**
   * Does something only while one of these events is listened to: `attach` is called when the first
   * listener comes, and what it returned when the last has gone.
   *
   * @returns a function that ends it
   */
  whileListened(names: readonly (keyof EventMap)[], attach: () => () => void): () => void;
}

/**
 * Makes an {@link Events}.
 *
 * @param onListenerError - told of every error that a listener throws
 */
export function createEvents(onListenerError: (name: string, error: unknown) => void): Events {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of watchers) watcher();
  };

  const subscribe = (name: string, listener: (event: any) => void, once: boolean) => {
    const off = () => {
      emitter.off(name, isolated);
      changed();
    };
    const isolated = (event: any) => {
      if (once) off();
      try {
        const pending: unknown = listener(event);
        // Unheard, the rejection of an asynchronous listener would end the process.
        if (isPromise(pending))
          pending.then(undefined, (error: unknown) => onListenerError(name, error));
      } catch (error) {
        onListenerError(name, error);
      }
    };
    emitter.on(name, isolated);
    changed();
    return off;
  };

  const whileListened: Events["whileListened"] = (names, attach) => {
    let detach: (() => void) | undefined;
    const watcher = () => {
      const isListened = names.some((name) => emitter.listenerCount(name) > 0);
      if (isListened) detach ??= attach();
      else {
        detach?.();
        detach = undefined;
      }
    };
    watchers.add(watcher);
    watcher();
    return () => {
      watchers.delete(watcher);
      detach?.();
      detach = undefined;
    };
  };

  return {
    on: (name, listener) => subscribe(name, listener as (event: any) => void, false),
    once: (name, listener) => subscribe(name, listener as (event: any) => void, true),
    emit: (name, event) => void emitter.emit(name, event),
    has: (name) => emitter.listenerCount(name) > 0,
    whileListened,
  };
}
