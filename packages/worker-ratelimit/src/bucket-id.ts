import type { Bucket } from "./store.ts";

/** One string a bucket: NUL is in no limiter's name. */
export function bucketId({ limiter, key }: Pick<Bucket, "limiter" | "key">): string {
  return `${limiter}\0${key}`;
}
