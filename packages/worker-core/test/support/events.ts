import type { EventMap, Events } from "../../src/index.ts";

/** The next event of a name; ask for it before whatever makes it happen. */
export function nextEvent<K extends keyof EventMap>(events: Events, name: K): Promise<EventMap[K]> {
  return new Promise((resolve) => {
    events.once(name, resolve);
  });
}

/** Every event of a name from now on, oldest first. */
export function eventsOf<K extends keyof EventMap>(events: Events, name: K): EventMap[K][] {
  const seen: EventMap[K][] = [];
  events.on(name, (event) => void seen.push(event));
  return seen;
}
