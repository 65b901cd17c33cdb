import pg, { type Client, type ClientConfig } from "pg";

/** Connects a client that survives the end of its connection; what it is asked then is rejected. */
export const connectClient = async (config: ClientConfig): Promise<Client> => {
  const client = new pg.Client(config);
  client.on("error", () => {});
  await client.connect();
  return client;
};

/** Runs something on a connection of its own. */
export const withClient = async <Result>(
  url: string,
  run: (client: Client) => Promise<Result>,
): Promise<Result> => {
  const client = await connectClient({ connectionString: url });
  try {
    return await run(client);
  } finally {
    await client.end();
  }
};
