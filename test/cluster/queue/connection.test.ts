// Servers by their URLs, and what is never said of them.
import test from 'ava';
import { describeServer, hasPassword, parseServer } from '../../../src/cluster/queue/connection.js';
import { HeadpoolError } from '../../../src/core/errors.js';

const nobody = { user: undefined, password: undefined };

for (const [url, expected] of [
  ['redis://queue', { program: 'Redis', host: 'queue', port: 6379, isSecure: false, user: undefined }],
  ['redis://queue:7000/2', { port: 7000, database: '2' }],
  ['redis://[::1]:7000', { host: '::1', port: 7000 }],
  ['rediss://queue', { program: 'Redis', isSecure: true }],
  ['postgres://queue', { program: 'PostgreSQL', port: 5432, isSecure: false, database: undefined }],
  [
    'postgresql://ann@queue:7000/jobs?sslmode=verify-full',
    { user: 'ann', port: 7000, database: 'jobs', isSecure: true },
  ],
  ['postgres://queue/jobs?sslmode=disable', { isSecure: false }],
  ['postgres://a%40b:p%2Fq%23@queue/my%20jobs', { user: 'a@b', password: 'p/q#', database: 'my jobs' }],
] as const) {
  test(`${url} is understood`, (t) => {
    t.like(parseServer(url, nobody), expected);
  });
}

test('credentials of the environment stand in where the URL has none', (t) => {
  const others = { user: 'env', password: 'word' };
  t.like(parseServer('redis://queue', others), others);
  t.like(parseServer('redis://ann:own@queue', others), { user: 'ann', password: 'own' });
  t.like(parseServer('postgres://ann@queue', others), { user: 'ann', password: 'word' });
});

for (const url of [
  '',
  'queue:6379',
  'http://u:secret@queue',
  'redis://',
  'redis://u:secret@queue:99999',
  'redis://u:secret@queue/jobs',
  'redis://u:secret@queue?sslmode=verify-full',
  'redis://u:secret@queue#hash',
  'redis://u:secret%@queue',
  'rediss://u:secret@queue?tls=no',
  'postgres://u:secret@queue?sslmode=require',
  'postgres://u:secret@queue?sslmode=prefer',
  'postgres://u:secret@queue?host=/tmp',
  'postgres://u:secret@queue?options=-csearch_path%3Dx',
]) {
  test(`${url} is refused, and no password is said`, (t) => {
    const error = t.throws(() => parseServer(url, nobody), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
    t.false(error.message.includes('secret'), error.message);
    t.false(String(error.stack).includes('secret'));
  });
}

test('a server is described without user and password', (t) => {
  t.is(describeServer(parseServer('rediss://ann:secret@queue', nobody)), 'Redis at queue:6379');
  t.is(describeServer(parseServer('redis://[::1]/3', nobody)), 'Redis at [::1]:6379/3');
  t.is(
    describeServer(parseServer('postgres://ann:secret@queue/jobs', nobody)),
    'PostgreSQL at queue:5432/jobs',
  );
});

test('a password in a URL is noticed', (t) => {
  t.true(hasPassword('redis://:secret@queue'));
  t.true(hasPassword('postgres://ann:secret@queue'));
  t.false(hasPassword('postgres://ann@queue'));
  t.false(hasPassword('redis://queue'));
  t.false(hasPassword('no URL'));
});
