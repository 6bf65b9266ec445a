// Connections with TLS: the server's certificate is checked, and who shows none that is known is refused.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, readFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { run, type Ended } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { findFolder } from '../helpers/programs.js';
import { openQueueServer, queueServerProblem } from '../helpers/queue-servers.js';
import { testUnless } from '../helpers/skips.js';

const noOpenssl = findFolder(['openssl']) === undefined ? 'there is no openssl' : undefined;

/** A certificate of 127.0.0.1 that nobody but itself vouches for. */
async function makeCertificate(
  t: ExecutionContext,
): Promise<{ readonly key: string; readonly cert: string }> {
  const folder = await makeFolder(t);
  await chmod(folder, 0o755);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=queue', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', cert, '-days', '2'];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...files,
    ...subject,
  ]);
  return { key, cert };
}

function status(connection: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return run('.', ['status', '--queue', 'jobs', '--connection', connection], { env });
}

async function isChecked(t: ExecutionContext, url: string, cert: string): Promise<void> {
  const known = await status(url, { NODE_EXTRA_CA_CERTS: cert });
  t.is(known.code, 0, known.stderr);
  const unknown = await status(url);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /self-signed certificate/);
  // Its certificate is of an address.
  const other = await status(url.replace('127.0.0.1', 'localhost'), { NODE_EXTRA_CA_CERTS: cert });
  t.is(other.code, 1);
  t.regex(other.stderr, /localhost.* (altnames|cert)/);
}

testUnless(noOpenssl ?? queueServerProblem('redis'))(
  'redis: rediss:// checks whom it talks to',
  async (t) => {
    const { url } = await openQueueServer(t, 'redis');
    const { key, cert } = await makeCertificate(t);
    const front = createServer({ key: await readFile(key), cert: await readFile(cert) }, (socket) => {
      const behind = connect(Number(new URL(url).port), '127.0.0.1');
      for (const [one, other] of [
        [socket, behind],
        [behind, socket],
      ] as const) {
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    front.on('tlsClientError', () => undefined);
    t.teardown(() => front.close());
    await once(front.listen(0, '127.0.0.1'), 'listening');
    await isChecked(t, `rediss://127.0.0.1:${(front.address() as AddressInfo).port}`, cert);
  },
);

testUnless(noOpenssl ?? queueServerProblem('postgres'))(
  'postgres: sslmode=verify-full checks whom it talks to',
  async (t) => {
    const { key, cert } = await makeCertificate(t);
    const own = `${key}.own`;
    await copyFile(key, own);
    await chmod(own, 0o600);
    // The server's own user has to own it.
    if (process.geteuid?.() === 0) await chown(own, 65_534, 65_534);
    const settings = { ssl: 'on', ssl_cert_file: cert, ssl_key_file: own };
    const { url } = await openQueueServer(t, 'postgres', { settings });
    await isChecked(t, `${url}?sslmode=verify-full`, cert);
    t.is((await status(url)).code, 0);
  },
);
