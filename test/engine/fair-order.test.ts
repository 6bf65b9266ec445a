// Which open job a worker takes the next unit of.
import test from 'ava';
import { FairOrder, type Waiting } from '../../workers/fair-order.js';

interface Open extends Waiting {
  readonly name: string;
  remainingFlop: number;
}

function open(name: string, remainingFlop: number, priority: 'interactive' | 'batch' = 'interactive'): Open {
  return { name, remainingFlop, job: { priority } };
}

function orderOf(...jobs: Open[]): FairOrder<Open> {
  const order = new FairOrder<Open>();
  for (const job of jobs) order.add(job);
  return order;
}

const namesOf = (order: FairOrder<Open>) => [...order.next()].map(({ name }) => name);

test('the job with the least work left comes first, then the others in that order', (t) => {
  t.deepEqual(namesOf(orderOf(open('long', 9), open('short', 1), open('middle', 5))), [
    'short',
    'middle',
    'long',
  ]);
});

test('interactive jobs come before those of a batch, however short these are', (t) => {
  t.deepEqual(namesOf(orderOf(open('batch', 1, 'batch'), open('long', 9), open('short', 2))), [
    'short',
    'long',
    'batch',
  ]);
});

test('of equal ones the first that came is first', (t) => {
  t.deepEqual(namesOf(orderOf(open('first', 3), open('second', 3))), ['first', 'second']);
});

test('an endless row of short jobs leaves an eighth of the time to the oldest, a unit at a time', (t) => {
  const oldest = open('oldest', 1e9, 'batch');
  const order = orderOf(oldest);
  const spent = { oldest: 0, short: 0 };
  let units = 0;
  for (let n = 0; n < 4000; n++) {
    const short = open('short', 1);
    order.add(short);
    const [job] = order.next();
    const isOldest = job === oldest;
    const ms = isOldest ? 2 : 0.05;
    t.is(order.spend(job!, ms) && isOldest, false, 'one unit, then another has its turn');
    spent[isOldest ? 'oldest' : 'short'] += ms;
    if (isOldest) units++;
    order.remove(short);
  }
  t.true(
    Math.abs(spent.oldest / (spent.oldest + spent.short) - 1 / 8) < 0.02,
    `${spent.oldest} ${spent.short}`,
  );
  t.is(units, spent.oldest / 2);
});

test('a worker goes on with the shortest job until the oldest is due', (t) => {
  const order = orderOf(open('oldest', 9), open('short', 1));
  const [job] = order.next();
  t.is(job!.name, 'short');
  let units = 0;
  while (order.spend(job!, 0.5)) units++;
  t.true(units > 10, `${units}`);
  t.deepEqual(namesOf(order), ['oldest', 'short']);
});

test('a job that is alone goes on', (t) => {
  const only = open('only', 1);
  const order = orderOf(only);
  for (let n = 0; n < 100; n++) t.true(order.spend(only, 5));
});

test('what is removed is not offered again', (t) => {
  const [a, b] = [open('a', 1), open('b', 2)];
  const order = orderOf(a, b);
  order.remove(a);
  order.remove(a);
  t.deepEqual(namesOf(order), ['b']);
  t.is(order.size, 1);
  t.false(order.has(a));
});
