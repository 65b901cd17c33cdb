import { clientOf } from "./redis-server.ts";

/** Sorted sets whose scores are times. */
const TIMES = ["held", "due", "waiting", "keys"];

/** Lets so many milliseconds pass for all that a store keeps in this Redis: everything becomes so much older. */
export async function letPass(port: number, ms: number): Promise<void> {
  const client = clientOf(port);
  const us = ms * 1_000;
  for (const name of await client.keys("{*")) {
    const kind = name.split(":").find((part) => [...TIMES, "wait", "bucket"].includes(part)) ?? "";
    if (kind === "wait") {
      for (const [id, raw] of Object.entries(await client.hgetall(name))) {
        const [units, turn, since, told, seq] = raw.split(" ").map(Number) as number[];
        const older = [turn, since, told].map((at) => (at ?? 0) - us);
        await client.hset(name, id, [units, ...older, seq].join(" "));
      }
    } else if (kind === "bucket") {
      for (const field of ["tat", "last", "leased", "defined"])
        if (await client.hexists(name, field)) await client.hincrbyfloat(name, field, -us);
    } else if (TIMES.includes(kind)) {
      for (const member of await client.zrange(name, "-inf", "1e16", "BYSCORE"))
        await client.zincrby(name, -us, member);
    }
  }
}
