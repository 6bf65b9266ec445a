// Hosts on this machine, each with a network, a name and processes of its own, and a switch between them. They are
// namespaces of processes that sleep, and gone with these; nothing outside of them is changed.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { childrenOf, isRoot, tiedToParent } from '../../helpers/programs.js';

export interface Host {
  readonly name: string;
  /** What runs a program there. It is a child of what that starts. */
  readonly under: readonly string[];
  /** Its cable is pulled: nothing is refused, nothing comes through. */
  cutOff(): void;
  connect(): void;
}

/** All that runs on its hosts ends with it. */
export interface Network extends AsyncDisposable {
  /** Where the hosts find what runs at the switch. */
  readonly address: string;
  /** What runs a program at the switch. */
  readonly under: readonly string[];
  readonly hosts: readonly Host[];
}

const subnet = '10.77.0';
const [ownNetwork, ownHost] = [
  ['--net'],
  ['--net', '--uts', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'],
];

/** Why there can be no hosts here; undefined if there can. */
export function findHostsProblem(): string | undefined {
  if (!isRoot) return 'only root makes hosts of namespaces';
  const script = 'ip link add name one type veth peer name two && ip link add name three type bridge';
  const { error, status, stderr } = spawnSync('unshare', [...ownHost, 'sh', '-c', script], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'there is no unshare';
  return status === 0 ? undefined : `namespaces are refused: ${stderr.trim()}`;
}

export async function openNetwork(names: readonly string[]): Promise<Network> {
  const address = `${subnet}.1`;
  const center = await hold(ownNetwork, [
    'ip link set lo up',
    'ip link add switch type bridge',
    `ip address add ${address}/24 dev switch`,
    'ip link set switch up',
  ]);
  const under = ['nsenter', '--target', String(center.pid), '--net', '--'];
  const held = [center];
  const hosts: Host[] = [];
  for (const [n, name] of names.entries()) {
    const port = `port-${n}`;
    const host = await hold(ownHost, [`echo ${name} > /proc/sys/kernel/hostname`, 'ip link set lo up']);
    held.push(host);
    // Of the two, its child alone is inside.
    const [inside] = childrenOf(host.pid!);
    const entered = ['nsenter', '--target', String(inside), '--net', '--uts', '--pid', '--mount', '--'];
    run([
      ...under,
      'ip',
      'link',
      'add',
      port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      String(inside),
    ]);
    run([...under, 'ip', 'link', 'set', port, 'master', 'switch', 'up']);
    run([...entered, 'ip', 'address', 'add', `${subnet}.${n + 2}/24`, 'dev', 'eth0']);
    run([...entered, 'ip', 'link', 'set', 'eth0', 'up']);
    const set = (state: 'up' | 'down') => (): void => {
      run([...under, 'ip', 'link', 'set', port, state]);
    };
    hosts.push({ name, under: entered, cutOff: set('down'), connect: set('up') });
  }
  const dispose = async (): Promise<void> => {
    const ended = held.map((child) => once(child, 'close'));
    for (const child of held) child.kill('SIGKILL');
    await Promise.all(ended);
  };
  return { address, under, hosts, [Symbol.asyncDispose]: dispose };
}

/** A process that keeps namespaces, once they are as the lines of shell make them. */
async function hold(namespaces: readonly string[], lines: readonly string[]): Promise<ChildProcess> {
  const script = ['set -e', ...lines, 'echo ready', 'exec sleep infinity'].join('\n');
  const command = [...tiedToParent('SIGKILL'), 'unshare', ...namespaces, 'sh', '-c', script];
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close').then(() => {
    throw new Error(`No namespace could be made: ${command.join(' ')}`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return child;
}

function run(command: readonly string[]): void {
  const [program, ...args] = command as [string, ...string[]];
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
