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

test('an endless row of short jobs leaves every eighth unit to the oldest', (t) => {
  const oldest = open('oldest', 1e9, 'batch');
  const order = orderOf(oldest);
  let taken = 0;
  for (let n = 0; n < 80; n++) {
    const short = open('short', 1);
    order.add(short);
    for (const { name } of order.next()) {
      if (name === 'oldest') taken++;
      break;
    }
    order.remove(short);
  }
  t.is(taken, 10);
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
