// How far an experiment is, by points.
import { countPoints, pointMs, type Extent } from './estimate.js';

export interface ScalingProgress {
  /** What is under way: 'strong by heads: 2 workers'. */
  readonly step: string;
  /** Points that are measured. */
  readonly done: number;
  readonly total: number;
  readonly leftMs: number;
}

export interface Steps {
  begin(step: string): void;
  end(): void;
}

export function startProgress(extent: Extent, report: (progress: ScalingProgress) => void): Steps {
  const total = countPoints(extent);
  let [done, startMs] = [0, performance.now()];
  return {
    begin(step) {
      // What came before the first point is no measure of points.
      if (done === 0) startMs = performance.now();
      const ofPoint = done === 0 ? pointMs(extent) : (performance.now() - startMs) / done;
      report({ step, done, total, leftMs: ofPoint * (total - done) });
    },
    end() {
      done++;
    },
  };
}
