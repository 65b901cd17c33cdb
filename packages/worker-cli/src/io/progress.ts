import { Presets, SingleBar } from "cli-progress";
import type { Output } from "./output.ts";
import { printableLine } from "./printable.ts";

/** Work that is done sooner shows no bar. */
const SHOWN_AFTER_MS = 1_000;

/** A bar that others may have to make room for. */
export interface ProgressBar {
  update(done: number): void;
  done(): void;
  /** Clears the bar, so that a line can be printed; the next update draws it again. */
  pause(): void;
}

/** Does nothing: for programs and pipes. */
export const NO_PROGRESS: ProgressBar = { update() {}, done() {}, pause() {} };

/**
 * A bar on a terminal, shown once the work has taken a second.
 *
 * @param total - undefined when it is not known: then only the count is shown
 */
export function progressBar(output: Output, label: string, total?: number): ProgressBar {
  let bar: SingleBar | undefined;
  let value = 0;
  let isOver = false;
  const startedAt = performance.now();

  function show(): void {
    if (isOver || bar !== undefined) return;
    bar = new SingleBar(
      {
        stream: output.stream,
        clearOnComplete: true,
        format: formatOf(printableLine(label), total),
      },
      Presets.shades_classic,
    );
    bar.start(total ?? 0, value);
  }

  function pause(): void {
    bar?.stop();
    bar = undefined;
  }

  const timer = setTimeout(show, SHOWN_AFTER_MS);
  timer.unref();
  return {
    update(done) {
      value = done;
      if (bar === undefined && performance.now() - startedAt >= SHOWN_AFTER_MS) show();
      bar?.update(done);
    },
    done() {
      isOver = true;
      clearTimeout(timer);
      pause();
    },
    pause,
  };
}

function formatOf(label: string, total: number | undefined): string {
  const name = label.replaceAll("{", "(").replaceAll("}", ")");
  return total === undefined ? `${name} {value}` : `${name} {bar} {value}/{total}`;
}
