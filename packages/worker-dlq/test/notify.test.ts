import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { DeadLetterHandler } from "../src/index.ts";
import { start } from "./start.ts";

/** An HTTP server that keeps what is posted to it. */
async function receiver(status = 200) {
  const posts: { readonly url: string | undefined; readonly body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    posts.push({ url: request.url, body: await json(request) });
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posts };
}

async function post(url: string, body: unknown, signal: AbortSignal): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
}

const slack =
  (url: string): DeadLetterHandler =>
  (entry, { signal }) =>
    post(
      url,
      { text: `:skull: *${entry.task}* ${entry.error.message} (\`dlq show ${entry.id}\`)` },
      signal,
    );

const pagerDuty =
  (url: string): DeadLetterHandler =>
  (entry, { signal }) =>
    post(
      url,
      {
        routing_key: "key",
        event_action: "trigger",
        dedup_key: entry.fingerprint,
        payload: {
          summary: `${entry.task}: ${entry.error.message}`,
          source: entry.worker ?? "worker",
          severity: "error",
          timestamp: entry.deadAt.toISOString(),
          custom_details: { id: entry.id, job: entry.jobId, reason: entry.reason },
        },
      },
      signal,
    );

const failing = (handlers: readonly DeadLetterHandler[]) =>
  defineTask({
    identifier: "pay",
    dlq: { onDeadLetter: handlers },
    run: () => {
      throw new Error("declined");
    },
  });

describe("onDeadLetter", () => {
  it("posts to endpoints shaped like Slack's and PagerDuty's", async () => {
    const server = await receiver();
    const task = failing([slack(`${server.url}/slack`), pagerDuty(`${server.url}/v2/enqueue`)]);
    const harness = await start([task]);
    await harness.enqueue(task, { n: 1 }, { maxAttempts: 1 });
    await vi.waitUntil(() => server.posts.length === 2, 10_000);
    const [entry] = (await harness.api.list()).entries;
    expect(server.posts).toEqual([
      { url: "/slack", body: { text: `:skull: *pay* declined (\`dlq show ${entry?.id}\`)` } },
      {
        url: "/v2/enqueue",
        body: expect.objectContaining({
          dedup_key: entry?.fingerprint,
          payload: expect.objectContaining({ summary: "pay: declined", severity: "error" }),
        }),
      },
    ]);
  });

  it("is told of what the reconciler moved, and its failure loses nothing", async () => {
    const server = await receiver(500);
    const task = failing([slack(server.url)]);
    const harness = await start([task]);
    await harness.enqueue(task, {}, { runAt: new Date(Date.now() + 3_600_000) });
    await harness.sql(
      "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs))",
    );
    await harness.api.reconcile();
    const failed = "onDeadLetter of dead letter 1 (task pay) failed";
    await vi.waitUntil(() => harness.logs.some(({ message }) => message.includes(failed)), 10_000);
    expect(server.posts).toHaveLength(1);
    expect((await harness.api.list()).entries).toHaveLength(1);
  });

  it("hears of events, too", async () => {
    const task = failing([]);
    const harness = await start([task]);
    const told = new Promise((resolve) => harness.worker.events.once("dlq:moved", resolve));
    await harness.enqueue(task, {}, { maxAttempts: 1 });
    expect(await told).toEqual({ id: "1", jobId: "1", task: "pay", reason: "attempts_exhausted" });
  });
});
