/** How {@link startPostgres} gets its server. */
export interface StartPostgresOptions {
  /**
   * A running server to create databases on, instead of starting one:
   * `postgres://user:password@host:5432/database`. `false` starts one even if `DATABASE_URL` is set.
   * @defaultValue the environment variable `DATABASE_URL`, if it is set and not empty
   */
  readonly url?: string | false;

  /**
   * Keeps `fsync` and `full_page_writes` on and the data on disk, for benchmarks and for tests of
   * what survives a crash of the machine. A crash of PostgreSQL alone (`restart` with `immediate`)
   * loses no commit either way.
   * @defaultValue false
   */
  readonly durable?: boolean;

  /** Server settings, as in `postgresql.conf`; they win over the ones chosen here. */
  readonly settings?: Readonly<Record<string, string>>;

  /**
   * The folder in which the server's own folder is made.
   * @defaultValue `/dev/shm` if it is there with 2 GB to spare and `durable` is off (cloning a
   * database takes a fifth of the time there), otherwise `os.tmpdir()`
   */
  readonly directory?: string;

  /**
   * The port on 127.0.0.1.
   * @defaultValue a free one
   */
  readonly port?: number;
}
