import { type Clock, defer, definePlugin, proceed, type TaskInfo } from "@oppulence/worker-core";
import { z } from "zod";
import { COUNTRY } from "./label-country.ts";

declare module "@oppulence/worker-core" {
  interface TaskOptions {
    /** Jobs of this task that may run at once for one country, in one worker. */
    perCountry?: number;
  }
}

/** How much the last job's time counts in the average. */
const WEIGHT = 0.1;
const limit = z.int().min(1).max(1_000);

/**
 * Lets only so many jobs of a task run at once for one country; others are deferred, which costs them no attempt.
 * Jobs without a `country` label pass.
 */
export function countryGate() {
  return definePlugin({
    name: "countryGate",
    taskOption: { key: "perCountry", schema: limit },
    producers: "enforced-at-run",
    setup: ({ clock }) => {
      const rooms = new Map<string, Room>();
      return {
        beforeRun: {
          phase: "admit",
          onError: "open",
          appliesTo: (task) => task.options.perCountry !== undefined,
          run: ({ labels, task }) => {
            const country = labels[COUNTRY];
            if (country === undefined) return undefined;
            const room = roomFor(rooms, `${task.identifier} ${country}`, task);
            if (room.running < room.limit) return proceed({ permit: enter(room, clock) });
            return defer(nextSlot(room, clock), {
              code: "COUNTRY_FULL",
              message: `${room.limit} jobs of ${country} run already`,
            });
          },
        },
      };
    },
  });
}

/** The jobs of one task and country. */
interface Room {
  readonly limit: number;
  running: number;
  /** How long a job takes, by a moving average: what sets the slots of those that wait. */
  typicalMs: number;
  /** The last slot given away, in milliseconds since the epoch. */
  lastSlot: number;
}

function roomFor(rooms: Map<string, Room>, key: string, task: TaskInfo): Room {
  let room = rooms.get(key);
  if (room === undefined) {
    room = {
      limit: task.options.perCountry ?? Number.POSITIVE_INFINITY,
      running: 0,
      typicalMs: 10,
      lastSlot: 0,
    };
    rooms.set(key, room);
  }
  return room;
}

function enter(room: Room, clock: Clock) {
  const entered = clock.now();
  room.running += 1;
  const leave = () => {
    room.running -= 1;
    room.typicalMs += WEIGHT * (clock.now() - entered - room.typicalMs);
  };
  return { commit: leave, rollback: leave };
}

/** A slot of its own for each job: a crowd that came back at once would be deferred at once again. */
function nextSlot(room: Room, clock: Clock): Date {
  room.lastSlot = Math.max(clock.now(), room.lastSlot) + room.typicalMs / room.limit;
  return new Date(room.lastSlot);
}
