// How long a soak is watched, by what windows, and what they are held against.
import type { SoakBars } from './judge.js';
import type { SoakOptions } from './run-soak.js';

const killSeconds = 10;
const leastMinutes = 5;
/** Of a short soak, in which what is resident still varies with what V8 has collected, but not what is held. */
const shortWindows = 10;

/** Windows of a minute where there are minutes enough, else of a tenth of the time, with rests between them. */
export function formOf(minutes: number): SoakOptions & SoakBars {
  const seconds = minutes * 60;
  const common = { seconds, killSeconds };
  if (minutes >= leastMinutes)
    return { ...common, windowSeconds: 60, hasRests: false, mostGrowth: 0.03, mostHeldGrowth: 0 };
  const windowSeconds = seconds / shortWindows;
  return { ...common, windowSeconds, hasRests: true, mostGrowth: 0.3, mostHeldGrowth: 0.1 };
}
