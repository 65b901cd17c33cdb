import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A way to a server, as a test wants it to be. */
export interface RedisWay {
  readonly port: number;
  /** What is sent is lost without a word. */
  isCut: boolean;
  /** How long everything takes in each direction. */
  delayMs: number;
  /** The connection ends instead of the next answer: the command was carried out, and nobody knows. */
  losesNextAnswer: boolean;
}

/** Makes a way to a server; it ends with the test. */
export async function startWay(to: number): Promise<RedisWay> {
  const sockets = new Set<Socket>();
  const forward = (from: Socket, target: Socket, isAnswer: boolean) => {
    sockets.add(from);
    from.on("error", () => {});
    from.on("close", () => target.destroy());
    from.on("data", (data) => {
      if (way.isCut) return;
      if (isAnswer && way.losesNextAnswer) {
        way.losesNextAnswer = false;
        target.destroy();
      } else if (way.delayMs === 0) target.write(data);
      else setTimeout(() => target.write(data), way.delayMs);
    });
  };
  const proxy = createServer((inbound) => {
    const outbound = connect(to, "127.0.0.1");
    forward(inbound, outbound, false);
    forward(outbound, inbound, true);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as { port: number };
  const way: RedisWay = { port, isCut: false, delayMs: 0, losesNextAnswer: false };
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return way;
}
