// Tests that need something which isn't everywhere: where it is missing they count as skipped, and their titles say why.
import test, { type ExecutionContext } from 'ava';

type Body = (t: ExecutionContext) => Promise<void> | void;
type Declare = (title: string, body: Body) => void;

/** Declares tests that can't be run where there is a `problem`. */
export function testUnless(problem: string | undefined): Declare {
  return problem === undefined ? test : skippedFor(problem);
}

/** Tests that must have the process for themselves too. */
export function testSeriallyUnless(problem: string | undefined): Declare {
  return problem === undefined ? test.serial : skippedFor(problem);
}

function skippedFor(problem: string): Declare {
  return (title, body) => {
    test.skip(`${title} (skipped: ${problem})`, body);
  };
}

/** Stands for the tests of a file that can't even be declared where there is a `problem`. */
export function skipAll(title: string, problem: string): void {
  skippedFor(problem)(title, () => undefined);
}

const { platform } = process;

export const testOnUnix = testUnless(platform === 'win32' ? 'Windows has no such thing' : undefined);
export const testOnLinux = testUnless(
  platform === 'linux' ? undefined : `only Linux, not ${platform}, tells`,
);

/** An ordinary user, who owns nothing. */
const nobody = 65_534;

/** With the rights of an ordinary user: root reads and writes whatever it likes. */
async function asUser(action: () => Promise<void> | void): Promise<void> {
  const user = process.geteuid?.();
  if (user !== 0) return action();
  process.seteuid!(nobody);
  try {
    await action();
  } finally {
    process.seteuid!(user);
  }
}

async function findProblem(): Promise<string | undefined> {
  if (platform === 'win32') return 'Windows has other permissions';
  return asUser(() => undefined).then(
    () => undefined,
    () => 'root keeps its rights here',
  );
}

const declareAsUser = testSeriallyUnless(await findProblem());

/** Declares a test of permissions: what `prepare` returns is run with the rights of an ordinary user. */
export function testAsUser(
  title: string,
  prepare: (t: ExecutionContext) => Promise<() => Promise<void>>,
): void {
  declareAsUser(title, async (t) => {
    await asUser(await prepare(t));
  });
}
