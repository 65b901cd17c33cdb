/**
 * What a value is once it was stored as JSON and read again: dates are strings, functions are gone. Results and
 * signals are typed so, because that is what another process, or this one after a crash, will see.
 */
export type Stored<T> = unknown extends T
  ? unknown
  : T extends { toJSON(): infer J }
    ? J
    : T extends string | number | boolean | null
      ? T
      : T extends undefined | void
        ? undefined
        : T extends bigint | symbol | ((...args: never[]) => unknown)
          ? never
          : T extends object
            ? { [K in keyof T]: Stored<T[K]> }
            : never;
