export type { RedisClient } from "./redis-link.ts";
export { type RedisStoreOptions, redisStore } from "./redis-store.ts";
